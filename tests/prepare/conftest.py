"""Real originals, where they are at hand."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data."""
    path = Path(os.environ.get("VAE_JAX_SHARED_DATA") or Path(__file__).parents[2] / "../shared/data")
    if not path.is_dir():
        pytest.skip(f"no real data in {path}")
    return path
