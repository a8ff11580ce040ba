"""The environment of a run: versions, device, and the state of the code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import jax

from vae_jax.version import __version__

IN_32_BITS, IN_64_BITS = "32 bits", "64 bits"
PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def environment(code: Path) -> dict[str, Any]:
    """The versions and settings that are needed to repeat a run, and the device that explains its speed.

    Args:
        code: The experiment file, whose repository is inspected.
    """
    devices = jax.devices()
    return {
        "vae_jax": __version__,
        "python": platform.python_version(),
        "platform": platform.system() + " " + platform.machine(),
        "device": f"{len(devices)} x {devices[0].device_kind}",
        **{package: importlib.metadata.version(package) for package in PACKAGES},
        "random_bits": "threefry2x32" + ", partitionable" * bool(jax.config.values["jax_threefry_partitionable"]),
        "precision": precision(),
        "git": _git_state(code.absolute().parent),
        # By it a job that comes back knows what it has begun.
        **({"slurm_job": os.environ["SLURM_JOB_ID"]} if "SLURM_JOB_ID" in os.environ else {}),
    }


def precision() -> str:
    """Precision of the numbers that JAX makes now: `IN_64_BITS` under jax_enable_x64."""
    return IN_64_BITS if jax.dtypes.canonicalize_dtype("float64") == "float64" else IN_32_BITS


def _git_state(folder: Path) -> dict[str, Any] | None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "has_changes": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None
