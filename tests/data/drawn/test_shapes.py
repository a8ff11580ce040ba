"""Data sets that are drawn: every row its factors' image, in splits that share none, held by nothing."""

import pickle

import jax
import numpy as np
import pytest

from vae_jax.data import Dataset, Design, Shapes, colour_shapes, full_factorial, load, shapes
from vae_jax.data.examples import in_memory, is_computed

SPLITS = ("train", "validation", "test")
SMALL = Design(image_size=16, num_scales=2, num_orientations=3, num_x=4, num_y=5, num_colours=2)


@pytest.fixture(scope="module", params=["shapes", "colour_shapes", "small"])
def data(request) -> Dataset:
    return full_factorial("small", SMALL) if request.param == "small" else load(request.param)


def test_the_sets_are_as_described(data):
    num, shape, factors = {
        "shapes": (737_280, (64, 64), ("shape", "scale", "orientation", "x", "y")),
        "colour_shapes": (5_898_240, (64, 64, 3), ("colour", "background", "shape", "scale", "orientation", "x", "y")),
        "small": (720, (16, 16, 3), ("colour", "shape", "scale", "orientation", "x", "y")),
    }[data.name]
    assert data.description.startswith(f"{num:,} images of {shape[0]}x{shape[0]} pixels")
    assert data.example_shape == shape
    assert data.factor_names == factors
    assert data.max_value == 255
    for name, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True):
        examples, labels = data.split(name)
        assert len(examples) == len(labels) == int(num * share)
        assert examples.dtype == np.uint8
        assert labels.shape == (len(examples), len(factors))
        assert labels.dtype == np.int32


def test_every_image_is_that_of_its_factors(data):
    """Up to a grey level where two programs round differently."""
    render = jax.jit(data.train.examples.design.render)
    for name in SPLITS:
        examples, labels = data.split(name)
        rows = np.random.default_rng(0).integers(0, len(examples), 40)
        images, factors = examples[rows], labels[rows]
        assert isinstance(images, np.ndarray)
        assert isinstance(factors, np.ndarray)
        assert images.shape == (40, *data.example_shape)
        rendered = np.stack([render(index) for index in factors])
        assert np.abs(images.astype(int) - rendered).max() <= 1
        assert (images != rendered).mean() < 1e-4


def test_a_compiled_step_draws_the_same(data):
    examples, labels = data.train
    rows = np.array([[5, 0, 570], [1, 1, 2]])
    images, factors = jax.jit(lambda rows: (examples[rows], labels[rows]))(rows)
    assert isinstance(images, jax.Array)
    np.testing.assert_array_equal(factors, labels[rows])
    assert np.abs(np.asarray(images, int) - examples[rows]).max() <= 1
    mapped = jax.jit(jax.vmap(lambda row: examples[row]))(rows[0])
    assert np.abs(np.asarray(mapped, int) - images[0]).max() <= 1


def test_slices_are_rows(data):
    examples, labels = data.train
    for rows in (slice(3), slice(10, 30, 7), slice(len(examples) - 3, None)):
        numbers = np.arange(len(examples))[rows]
        np.testing.assert_array_equal(examples[rows], examples[numbers])
        np.testing.assert_array_equal(labels[rows], labels[numbers])


@pytest.mark.parametrize("make", [shapes, lambda: full_factorial("small", SMALL)])
def test_every_combination_is_in_one_split_once(make):
    data = make()
    design = data.train.examples.design
    factors = np.concatenate([data.split(name).labels[:] for name in SPLITS])
    combinations = np.ravel_multi_index(tuple(factors.T), tuple(design.sizes.values()))
    assert (np.bincount(combinations, minlength=len(design)) == 1).all()


def test_every_value_of_every_factor_has_its_share_of_every_split():
    data = shapes()
    for name in SPLITS:
        factors = data.split(name).labels[:]
        for index, size in enumerate(data.train.examples.design.sizes.values()):
            counts = np.bincount(factors[:, index], minlength=size)
            expected = len(factors) / size
            assert (np.abs(counts - expected) < 4.5 * np.sqrt(expected)).all()


def test_the_splits_are_the_same_for_ever():
    """Numbers of two runs are comparable as long as they are."""
    np.testing.assert_array_equal(
        shapes().split("test").labels[:3], [[0, 4, 25, 6, 31], [2, 1, 17, 15, 29], [2, 0, 10, 12, 31]]
    )


def test_parts_of_parts_are_parts():
    every = Shapes(SMALL)
    part = every.part(range(100, 400, 3)).part(range(10, 90, 2))
    numbers = np.arange(720)[100:400:3][10:90:2]
    assert len(part) == len(numbers)
    np.testing.assert_array_equal(part[:], every[numbers])
    np.testing.assert_array_equal(part.factors(np.arange(5)), every.factors(numbers[:5]))


def test_they_are_computed_and_cheap_to_hold_and_to_send(data):
    examples, labels = data.train
    assert is_computed(examples)
    assert is_computed(labels)
    for held in (examples, labels):
        assert len(pickle.dumps(held)) < 400
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(held))[:2], held[:2])


def test_what_is_read_into_memory_is_an_array_like_any_other():
    examples = full_factorial("small", SMALL).train.examples
    array = in_memory(examples)
    assert array.shape == examples.shape
    np.testing.assert_array_equal(array[7:9], examples[7:9])


def test_too_few_combinations_for_three_splits_are_refused():
    with pytest.raises(ValueError, match="expected examples in split 'validation' of few; got none"):
        full_factorial("few", Design(num_scales=1, num_orientations=1, num_x=1, num_y=1))


def test_the_colour_set_has_the_number_of_images_that_it_says():
    assert f"{sum(len(colour_shapes().split(name).examples) for name in SPLITS):,}" == "5,898,240"
