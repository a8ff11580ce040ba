"""Grids, pixel by pixel, and files that are whole or absent."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from vae_jax.grids import enlarge, image_grid, pair_grid, png_bytes, save_png


def numbered(num, height=2, width=3):
    """Images of one grey level each, 10, 20, 30, ... of 255."""
    return np.stack([np.full((height, width), 10 * (index + 1) / 255) for index in range(num)])


def test_each_image_lies_where_its_number_says_and_the_gaps_are_transparent():
    grid = image_grid(numbered(5), num_columns=2, padding=1)
    assert grid.shape == (3 * 2 + 2, 2 * 3 + 1, 4)
    assert grid.dtype == np.uint8
    expected = np.zeros((8, 7), int)
    covered = np.zeros((8, 7), bool)
    for index, (top, left) in enumerate([(0, 0), (0, 4), (3, 0), (3, 4), (6, 0)]):
        expected[top : top + 2, left : left + 3] = 10 * (index + 1)
        covered[top : top + 2, left : left + 3] = True
    for channel in range(3):
        np.testing.assert_array_equal(grid[..., channel], expected)
    np.testing.assert_array_equal(grid[..., 3], np.where(covered, 255, 0))


def test_fewer_images_than_columns_make_no_empty_columns():
    assert image_grid(numbered(2), num_columns=10, padding=1).shape == (2, 7, 4)


def test_values_are_clipped_rounded_and_nan_is_black():
    values = np.array([[[-1.0, 0.0, 0.5, 1.0, 7.0, np.nan]]])
    assert image_grid(values, num_columns=1)[0, :, 0].tolist() == [0, 0, 128, 255, 255, 0]


def test_colours_stay_and_one_channel_is_grey():
    red = np.zeros((1, 1, 1, 3))
    red[..., 0] = 1
    assert image_grid(red, num_columns=1)[0, 0].tolist() == [255, 0, 0, 255]
    assert image_grid(np.ones((1, 1, 1, 1)), num_columns=1)[0, 0].tolist() == [255, 255, 255, 255]


@pytest.mark.parametrize("shape", [(4, 784), (4, 8, 8, 2), (0, 8, 8)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected images of shape .* got \(.*; reshape"):
        image_grid(np.zeros(shape), num_columns=2)


def test_pairs_stand_originals_above_reconstructions():
    upper = numbered(3)
    grid = pair_grid(upper, upper / 2, num_columns=2, padding=1)
    # Two rows of pairs, each 2 + 2 pixels high, 4 · padding apart.
    assert grid.shape == (4 + 4 + 4, 7, 4)
    assert grid[:2, :3, 0].tolist() == [[10] * 3] * 2
    assert grid[2:4, :3, 0].tolist() == [[5] * 3] * 2
    assert grid[2:4, 4:, 0].tolist() == [[10] * 3] * 2
    assert (grid[4:8, :, 3] == 0).all()
    assert grid[8:10, :3, 0].tolist() == [[30] * 3] * 2
    assert (grid[8:, 3:, 3] == 0).all()


def test_pairs_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match=r"got \(3, 2, 3\) above and \(2, 2, 3\) below; pass each original"):
        pair_grid(numbered(3), numbered(2), num_columns=2)


def test_enlarging_repeats_pixels():
    image = np.arange(4, dtype=np.uint8).reshape(2, 2)
    assert enlarge(image, 2).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]


@pytest.mark.parametrize("case", ["gaps", "opaque grey", "opaque colour", "bare grey"])
def test_a_png_holds_the_same_pixels_the_same_bytes_and_no_metadata(case):
    image = {
        "gaps": image_grid(numbered(4), num_columns=2),
        "opaque grey": image_grid(numbered(4), num_columns=2, padding=0),
        "opaque colour": image_grid(np.random.default_rng(0).random((4, 2, 3, 3)), num_columns=2, padding=0),
        "bare grey": np.arange(12, dtype=np.uint8).reshape(3, 4),
    }[case]
    png = png_bytes(image)
    assert png == png_bytes(image.copy())
    opened = Image.open(io.BytesIO(png))
    assert opened.info == {}
    wanted = Image.fromarray(image).convert("RGBA")
    np.testing.assert_array_equal(np.asarray(opened.convert("RGBA")), np.asarray(wanted))


def test_saving_replaces_a_file_as_a_whole(tmp_path):
    path = tmp_path / "grid.png"
    path.write_bytes(b"old")
    save_png(path, image_grid(numbered(4), num_columns=2))
    assert Image.open(path).size == (8, 6)
    assert os.listdir(tmp_path) == ["grid.png"]
