"""Compiled programs are kept between tests, their processes, and sessions: a test suite waits for compilation."""

import logging
import os
from pathlib import Path

# Read when jax is imported, and inherited by every process that a test starts.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Orbax leaves the tasks of a failed restore to be found by the garbage collector, at any later time.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
# They hold no doctests, and as modules they would all have the same name.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]


def pytest_collection_modifyitems(items):
    """The longest test first, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: "test_kill" not in item.nodeid)
