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
        "folder": os.getcwd(),
        "git": git_state(code.absolute().parent),
        # By it a job that comes back knows what it has begun.
        **({"slurm_job": os.environ["SLURM_JOB_ID"]} if "SLURM_JOB_ID" in os.environ else {}),
    }


def precision() -> str:
    """Precision of the numbers that JAX makes now: `IN_64_BITS` under jax_enable_x64."""
    return IN_64_BITS if jax.dtypes.canonicalize_dtype("float64") == "float64" else IN_32_BITS


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit that a folder is at, and whether anything was changed since; None outside a repository.

    The repository may be anybody's, and git runs programs that a repository's own configuration names: monitors of
    files, hooks, filters, and helpers of fetching what is missing. They are all left out; so changes inside submodules,
    whose configurations are their own, are not looked for.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-C", str(folder)]
        quiet = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True, timeout=10, env=quiet)
        return done.stdout.strip()

    try:
        names = git("config", "--list", "--name-only", "-z").split("\0")
        filters = sorted({name.rpartition(".")[0] for name in names if name.startswith("filter.")})
        if any("=" in name for name in filters):  # git would take what is behind it for the value
            return None
        settings = [f"{name}.{value}" for name in filters for value in ("clean=", "process=", "required=false")]
        off = [word for setting in settings for word in ("-c", setting)]
        changes = git(*off, "status", "--porcelain", "--ignore-submodules=dirty")
        return {"commit": git("rev-parse", "HEAD"), "has_changes": bool(changes)}
    except (OSError, subprocess.SubprocessError):
        return None
