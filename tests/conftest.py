"""Compiled programs are kept between tests, their processes, and sessions: a test suite waits for compilation."""

import logging
import os
from pathlib import Path

import pytest

# Read when jax is imported, and inherited by every process that a test starts.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent.parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Orbax leaves the tasks of a failed restore to be found by the garbage collector, at any later time.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
# They hold no doctests, and as modules they would all have the same name.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data, which not every machine has."""
    path = Path(os.environ.get("VAE_JAX_SHARED_DATA") or Path(__file__).parents[1] / "../shared/data")
    if not path.is_dir():
        pytest.skip(f"no real data in {path}; VAE_JAX_SHARED_DATA tells where they are")
    return path


def pytest_collection_modifyitems(items):
    """The longest test first, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: "test_kill" not in item.nodeid)
