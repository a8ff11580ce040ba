"""Real data, where they are at hand, and small data sets that are prepared in a test."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vae_jax.prepare.builder import write
from vae_jax.prepare.recipe import Recipe, Source


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data."""
    path = Path(os.environ.get("VAE_JAX_SHARED_DATA") or Path(__file__).parents[2] / "../shared/data")
    if not path.is_dir():
        pytest.skip(f"no real data in {path}; VAE_JAX_SHARED_DATA tells where they are")
    return path


@pytest.fixture
def prepare_set(tmp_path) -> Callable[..., Path]:
    """`prepare_set("toy", {"train": [{"image": ...}]}, lambda features: {...})` writes it to tmp_path, as TFDS does."""

    def make(name, splits, features, version="1.0.0", config="") -> Path:
        recipe = Recipe(name, version, f"{name}, made up.", "", features, ())
        return write(recipe, Source((), dict, {}, config=config), splits, tmp_path)

    return make
