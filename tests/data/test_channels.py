"""Colours along the first axis are refused where data come in."""

import re

import numpy as np
import pytest

from vae_jax.data import from_object, load


@pytest.mark.parametrize("colours", [1, 3, 4])
def test_channels_first_are_refused_with_what_to_do(tmp_path, colours):
    images = np.zeros((20, colours, 8, 9), np.uint8)
    np.save(tmp_path / "x.npy", images)
    said = re.escape(f"are ({colours}, 8, 9), with {colours} first; give np.moveaxis(images, 1, -1)")
    for read in (lambda: load(str(tmp_path / "x.npy")), lambda: from_object(images), lambda: from_object([*images])):
        with pytest.raises(ValueError, match=f"expected the colours of an image along its last axis; .* {said}"):
            read()
    with pytest.raises(ValueError, match=r"the examples\['x'\] of own are"):
        from_object({"train": {"x": images, "mask": images[:, 0]}})


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 9, 1), (5, 8, 9), (3, 7, 7), (3, 8), (3, 3, 8, 8)])
def test_other_shapes_pass(shape):
    assert from_object(np.zeros((20, *shape), np.uint8)).example_shape == shape
