"""Which other libraries are there to be measured against."""

from __future__ import annotations

from types import ModuleType

from benchmarks.tables import version


def torch_side() -> ModuleType | None:
    """PyTorch's side, or None where it is not installed."""
    if version("torch") is None:
        return None
    from benchmarks import torch_side

    return torch_side


def pythae_side() -> ModuleType | None:
    """pythae's side, or None where it is not installed."""
    if version("torch") is None or version("pythae") is None:
        return None
    from benchmarks import pythae_side

    return pythae_side


def codes_torch_side() -> ModuleType | None:
    """The side of vector-quantize-pytorch, or None where it is not installed."""
    if version("torch") is None or version("vector-quantize-pytorch") is None:
        return None
    from benchmarks import codes_torch_side

    return codes_torch_side


def missing() -> tuple[str, ...]:
    """A line for each that is not there."""
    return tuple(
        f"{package} is not installed, so it is not compared with: pip install {package}"
        for package in ("torch", "pythae")
        if version(package) is None
    )
