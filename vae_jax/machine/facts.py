"""The machine in words, for `vae-jax info`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax

from vae_jax.machine.cache import kept_programs
from vae_jax.machine.flops import in_words
from vae_jax.machine.peaks import ALL_BITS, PEAKS


def facts() -> dict[str, str]:
    """Devices, host, precision, and the programs that are kept, a line each."""
    return {
        **{f"device {device.id}": device_in_words(device) for device in jax.local_devices()},
        "host": host_in_words(),
        "float32 products": products_in_words(jax.default_backend(), _setting("jax_default_matmul_precision")),
        "compiled programs": _programs(),
    }


def device_in_words(device: Any) -> str:
    """Kind, memory and peak of a device, as far as they are known.

    Args:
        device: A `jax.Device`, or an object with its `device_kind` and `memory_stats`.
    """
    parts = [device.device_kind]
    memory = device.memory_stats() or {}  # None on CPUs, whose memory is the host's
    if "bytes_limit" in memory:
        parts.append(f"{_size(memory.get('bytes_in_use', 0))} in use of {_size(memory['bytes_limit'])}")
    if peaks := PEAKS.get(device.device_kind):
        known = {name: peak for name, peak in peaks._asdict().items() if peak is not None}
        parts += [f"{name.replace('_', ' ')} {in_words(peak, 'FLOP/s')}" for name, peak in known.items()]
    return ", ".join(parts)


def host_in_words() -> str:
    """The cores that this process may use, and the memory of the host."""
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    cores = f"{usable} of {total} cores" if usable != total else f"{total} cores"
    try:
        return f"{cores}, {_size(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'))} memory"
    except (AttributeError, OSError, ValueError):
        return cores


def products_in_words(backend: str, precision: str | None) -> str:
    """The bits with which float32 matrices are multiplied.

    Args:
        backend: cpu, gpu or tpu.
        precision: `jax_default_matmul_precision`.
    """
    if precision in ALL_BITS or backend == "cpu":
        return "all bits"
    if precision is not None:
        return f"in {precision}, as JAX is told"
    default = {"tpu": "in bfloat16", "gpu": "in TF32 where the GPU has it"}.get(backend, "as the device does it")
    return f"{default}; JAX_DEFAULT_MATMUL_PRECISION=highest keeps all bits"


def _programs() -> str:
    directory = _setting("jax_compilation_cache_dir")
    if not directory or not _setting("jax_enable_compilation_cache"):
        return "not kept"
    if "://" in directory:
        return f"kept in {directory}"
    num, num_bytes = kept_programs(Path(directory))
    return f"{num} in {directory}, {num_bytes / 2**20:.1f} MiB"


def _setting(name: str) -> Any:
    return jax.config.values[name]


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:.1f} GiB"
