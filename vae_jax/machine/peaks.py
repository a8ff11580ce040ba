"""The peak performance of devices, as their makers state it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import DTypeLike


class Peaks(NamedTuple):
    """FLOP/s of dense matrix products; None where the device has no such format, or its maker gives no figure."""

    float32: float | None
    """float32 multiplied with all bits."""
    float32_by_default: float | None
    """float32 as JAX multiplies it by default: in TF32 on NVIDIA GPUs that have it, in bfloat16 on TPUs."""
    bfloat16: float | None


def _tera(float32: float | None, float32_by_default: float | None, bfloat16: float | None) -> Peaks:
    return Peaks(*(None if peak is None else peak * 1e12 for peak in (float32, float32_by_default, bfloat16)))


# Source: NVIDIA's data sheets of each card, which give TF32 and bfloat16 of Ampere and later with sparsity: half of
# that is dense. A part of a card (MIG) has a name of its own, and so no peak here.
_HOPPER_SXM = _tera(67.0, 494.5, 989.5)
_HOPPER_NVL = _tera(60.0, 417.5, 835.5)
_A100 = _tera(19.5, 156.0, 312.0)
# Source: cloud.google.com/tpu/docs, "peak compute per chip (bf16)" of each version.
_TPU_V5E, _TPU_V5P, _TPU_V6E = _tera(None, 197.0, 197.0), _tera(None, 459.0, 459.0), _tera(None, 918.0, 918.0)

PEAKS: dict[str, Peaks] = {
    "NVIDIA H200": _HOPPER_SXM,
    "NVIDIA H200 NVL": _HOPPER_NVL,
    "NVIDIA H100 80GB HBM3": _HOPPER_SXM,
    "NVIDIA H100 NVL": _HOPPER_NVL,
    "NVIDIA H100 PCIe": _tera(51.0, 378.0, 756.5),
    "NVIDIA A100-SXM4-40GB": _A100,
    "NVIDIA A100-SXM4-80GB": _A100,
    "NVIDIA A100-PCIE-40GB": _A100,
    "NVIDIA A100 80GB PCIe": _A100,
    "Tesla V100-SXM2-16GB": _tera(15.7, 15.7, None),
    "Tesla V100-SXM2-32GB": _tera(15.7, 15.7, None),
    "Tesla V100-PCIE-16GB": _tera(14.0, 14.0, None),
    "Tesla V100-PCIE-32GB": _tera(14.0, 14.0, None),
    "Tesla T4": _tera(8.1, 8.1, None),
    "NVIDIA L4": _tera(30.3, 60.0, 121.0),
    "TPU v4": _tera(None, 275.0, 275.0),
    "TPU v5 lite": _TPU_V5E,
    "TPU v5e": _TPU_V5E,
    "TPU v5": _TPU_V5P,
    "TPU v5p": _TPU_V5P,
    "TPU v6 lite": _TPU_V6E,
    "TPU v6e": _TPU_V6E,
}
"""Peaks by `jax.Device.device_kind`, to the letter: "NVIDIA L40S" is not an L4."""

ALL_BITS = {"highest", "float32"}
"""Values of `jax_default_matmul_precision` under which float32 keeps all of its bits."""


def peak(kinds: Sequence[str], dtype: DTypeLike = "float32", precision: str | None = None) -> float | None:
    """FLOP/s that some devices reach together at best; None if that is not known for each.

    Args:
        kinds: `device_kind` of each device.
        dtype: The type of what is multiplied.
        precision: `jax.config.jax_default_matmul_precision`.

    Example:
        >>> peak(["NVIDIA A100-SXM4-40GB"] * 2, "bfloat16")
        624000000000000.0
        >>> peak(["cpu"]) is None
        True
    """
    name = jnp.dtype(dtype).name
    if name == "float32" and precision not in ALL_BITS:
        name = "float32_by_default"
    each = [getattr(PEAKS.get(kind), name, None) for kind in kinds]
    known = [one for one in each if one is not None]
    return sum(known) if known and len(known) == len(each) else None
