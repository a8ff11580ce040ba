"""Free memory of a device and of the host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def free_memory(device: Any) -> int | None:
    """Bytes that a device could still hold; for a CPU, that this process could have. None where that is unknown.

    Args:
        device: A `jax.Device`, or an object with its `platform` and `memory_stats`.
    """
    stats = device.memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    return free_host_memory() if device.platform == "cpu" else None


def free_host_memory(system: Path = Path("/")) -> int | None:
    """Bytes that a process of this host could still have, by its kernel and by the limit of its container.

    Args:
        system: The root of the file system.
    """
    found = [_available(system / "proc/meminfo"), _left_of_container(system / "sys/fs/cgroup")]
    known = [num_bytes for num_bytes in found if num_bytes is not None]
    if known:
        return min(known)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return None


def in_words(num_bytes: float) -> str:
    """Bytes in words.

    Example:
        >>> in_words(3 * 2**30), in_words(5 * 2**20), in_words(100)
        ('3.0 GiB', '5.0 MiB', '0.1 KiB')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes / 2**10:.1f} KiB"


def _available(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text("utf-8").splitlines()
    except OSError:
        return None
    kibibytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kibibytes[0] * 1024 if kibibytes else None


def _left_of_container(folder: Path) -> int | None:
    try:
        limit, used = ((folder / name).read_text("utf-8").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return None
    return int(limit) - int(used) if limit.isdecimal() and used.isdecimal() else None
