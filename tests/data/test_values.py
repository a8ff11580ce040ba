"""The rule of what stored values mean, case by case."""

import pickle

import numpy as np
import pytest

from vae_jax.data import Dataset, Split, binarise, binarise_dynamically, binarise_statically, dequantise, scale
from vae_jax.data.values import Seen, UnknownMaximum, values_in, values_of

LEVELS, ABOVE_ONE = np.array([[0.0, 1.0]]), np.array([[1.0000002, 0.5]], np.float32)


@pytest.mark.parametrize(
    ("low", "high", "is_whole", "is_float", "max_value", "dtype"),
    [
        (0, 0, True, False, 1, np.uint8),
        (0, 1, True, True, 1, np.int32),
        (0, 2, True, False, None, np.uint8),
        (0, 127, True, True, None, np.int32),
        (0, 128, True, False, 255, np.uint8),
        (3, 255, True, True, 255, np.int32),
        (0, 256, True, False, 256, np.uint16),
        (0, 65_535, True, True, 65_535, np.int32),
        (0, 65_536, True, False, None, np.int32),
        (-1, 255, True, False, None, np.int32),
        (0, 2**31, True, False, None, np.float32),
        (0, 1, False, True, 1, np.float32),
        (-9e-6, 1 + 9e-6, False, True, 1, np.float32),
        (-2e-5, 1, False, True, None, np.float32),
        (0, 1 + 2e-5, False, True, None, np.float32),
        (0, 254.5, False, True, None, np.float32),
    ],
)
def test_the_rule(low, high, is_whole, is_float, max_value, dtype):
    found = values_of("mine", Seen(low, high, is_whole, is_float))
    assert found.dtype == dtype
    if max_value is None:
        assert isinstance(found.max_value, UnknownMaximum)
        assert found.max_value.seen.startswith(f"mine holds {'whole' if is_whole else 'real'} numbers from {low:.7g}")
    else:
        assert found.max_value == max_value


def test_what_was_assumed_is_said():
    assert values_of("mine", Seen(0, 16, True, False)).words == (
        "whole numbers from 0 to 16, kept as they are; --data.max-value N says which becomes 1"
    )
    assert values_of("mine", Seen(0, 200, True, False)).words.endswith("255 becomes 1")
    assert "the largest of the set, 4093, becomes 1" in values_of("mine", Seen(0, 4_093, True, False)).words
    assert values_of("mine", Seen(-3, 0.5, False, True), None, "max_value={}").words == (
        "real numbers from -3 to 0.5, kept as they are; max_value=N says which becomes 1"
    )


@pytest.mark.parametrize(
    ("stored", "max_value"),
    [
        (np.array([[0, 16]], np.uint8), 255),
        (np.array([[0, 1]], np.uint8), 1),
        (np.array([[0, 255]]), 255),
        (np.array([[0, 200]]), 255),
        (np.array([[0, 16]]), None),
        (np.array([[0.0, 16.0]]), None),
        (np.array([[False, True]]), 1),
    ],
)
def test_the_type_decides_about_dark_bytes_and_nothing_about_other_dark_levels(stored, max_value):
    found = values_in({"mine": stored})
    assert (None if isinstance(found.max_value, UnknownMaximum) else found.max_value) == max_value
    both = values_in({"mine": stored, "test": np.array([[0, 16]])})
    assert isinstance(both.max_value, UnknownMaximum) == (stored.max() < 128)
    assert values_in({"mine": stored}, 255).max_value == 255


def test_dark_bytes_are_taken_as_bytes_and_that_is_said():
    assert values_in({"mine": np.array([[0, 16]], np.uint8)}).words == (
        "whole numbers from 0 to 16, taken as levels of which 255 becomes 1; if 16 is the largest that there can be, "
        "give --data.max-value 16"
    )


def test_rounding_errors_of_intensities_are_moved_to_the_ends():
    values = values_in({"mine": ABOVE_ONE})
    assert (values.max_value, values.converted(ABOVE_ONE).tolist()) == (1, [[1.0, 0.5]])


def test_one_split_with_fractions_makes_fractions_of_all():
    values = values_in({"train": np.array([[0, 200]]), "test": np.array([[0.5]])})
    assert isinstance(values.max_value, UnknownMaximum)
    assert (values.max_value.low, values.max_value.high, values.dtype) == (0, 200, np.float32)


def test_an_unknown_maximum_can_be_pickled():
    unknown = pickle.loads(pickle.dumps(UnknownMaximum("mine holds", -1, 3)))
    assert (unknown.seen, unknown.low, unknown.high, np.isnan(unknown)) == ("mine holds", -1, 3, True)


@pytest.mark.parametrize("transform", [scale, dequantise, binarise_dynamically, binarise_statically])
def test_what_would_scale_measurements_refuses_them(transform):
    unknown = values_in({"mine": np.array([[0, 16]])}).max_value
    with pytest.raises(ValueError, match=r"expected zeros .*; mine holds whole numbers from 0 to 16; say by"):
        transform(unknown)
    unknown = values_in({"mine": np.array([[-1.5, 300]])}).max_value
    with pytest.raises(ValueError, match=r"or binarise; mine holds real numbers from -1.5 to 300; say by --data.max"):
        transform(unknown)


def test_measurements_have_a_mean_a_matrix_and_pictures():
    stored = np.array([[-1.0, 3.0], [0.5, 1.0]], np.float32)
    values = values_in({"mine": stored})
    data = Dataset("mine", "Made up.", {"train": Split(stored)}, values.max_value)
    np.testing.assert_allclose(data.mean(), stored.mean(axis=0))
    np.testing.assert_allclose(data.matrix(), stored)
    np.testing.assert_allclose(data.brightness(stored), (stored + 1) / 4)
    levels = Dataset("mine", "Made up.", {"train": Split(np.array([[10], [20]]))}, 255)
    np.testing.assert_allclose([levels.stored_mean(), levels.mean() * 255], [[15], [15]], rtol=1e-6)


def test_grey_floats_are_binarised_and_whole_zeros_and_ones_are_not():
    for stored, name in ((LEVELS.astype(np.uint8), "binary as stored"), (LEVELS / 2, "dynamic binarisation")):
        assert binarise(Dataset("mine", "Made up.", {"train": Split(stored)}, 1)).name == name
