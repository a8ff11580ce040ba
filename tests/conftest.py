"""Compiled programs are kept between tests, their processes, and sessions: a test suite waits for compilation."""

import os
from pathlib import Path

# Read when jax is imported, and inherited by every process that a test starts.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
