"""Small data sets that are prepared in a test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vae_jax.prepare.builder import write
from vae_jax.prepare.recipe import Recipe, Source


@pytest.fixture
def prepare_set(tmp_path) -> Callable[..., Path]:
    """`prepare_set("toy", {"train": [{"image": ...}]}, lambda features: {...})` writes it to tmp_path, as TFDS does."""

    def make(name, splits, features, version="1.0.0", config="") -> Path:
        recipe = Recipe(name, version, f"{name}, made up.", "", features, ())
        return write(recipe, Source((), dict, {}, config=config), splits, tmp_path)

    return make
