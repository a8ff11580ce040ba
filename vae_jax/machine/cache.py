"""Compiled programs, kept from one command to the next."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

MIN_SECONDS = "0.5"
"""Programs that compile faster than this are not kept: reading them back would gain nothing."""


def keep_compiled_programs(variables: MutableMapping[str, str] = os.environ) -> None:
    """Let JAX keep compiled programs in a directory of the user's, unless the user has decided about that already.

    Where that directory cannot be written, nothing is kept, without a message.

    Args:
        variables: The process's environment, in which JAX looks when it is imported.
    """
    if "JAX_COMPILATION_CACHE_DIR" in variables or "JAX_ENABLE_COMPILATION_CACHE" in variables:
        return
    directory = default_directory(variables)
    if directory is None or not _made_and_writable(directory):
        return
    variables["JAX_COMPILATION_CACHE_DIR"] = str(directory)
    variables.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", MIN_SECONDS)
    if "jax._src" in sys.modules:  # the user's experiment file has imported it: it will not look there again
        import jax

        jax.config.update("jax_compilation_cache_dir", str(directory))
        seconds = float(variables["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
        jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)


def default_directory(variables: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """The directory of compiled programs in the user's caches, by the system's customs; None if there is no home.

    Example:
        >>> default_directory({"XDG_CACHE_HOME": "/scratch/ada"}, "linux").as_posix()
        '/scratch/ada/vae_jax/compiled'
    """
    home = variables.get("XDG_CACHE_HOME", "")
    if os.path.isabs(home):  # the standard says to ignore a relative one
        return Path(home) / "vae_jax" / "compiled"
    try:
        caches = Path.home() / ("Library/Caches" if platform == "darwin" else ".cache")
    except RuntimeError:
        return None
    return caches / "vae_jax" / "compiled"


def kept_programs(directory: Path) -> tuple[int, int]:
    """The number of compiled programs in a directory, and the bytes that they take."""
    sizes = [path.stat().st_size for path in directory.glob("*-cache")]
    return len(sizes), sum(sizes)


def _made_and_writable(directory: Path) -> bool:
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        # A compiled program is run as it is read: nobody else may put one there.
        directory.mkdir(mode=0o700, exist_ok=True)
        # Tried, because permissions do not tell whether a file system is read-only or full.
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False
