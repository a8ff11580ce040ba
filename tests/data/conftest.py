"""Where real data are."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """A folder of real benchmark data, which not every machine has."""
    path = Path(os.environ.get("VAE_JAX_SHARED_DATA", Path(__file__).parents[2] / "../shared/data"))
    if not path.is_dir():
        pytest.skip(f"no real data at {path}; VAE_JAX_SHARED_DATA tells where they are")
    return path
