"""From stored examples to what a model sees."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from vae_jax import data
from vae_jax.evaluation import bits_per_dim

KEY = jax.random.key(0)
LEVELS = np.arange(17, dtype=np.uint8)


def test_scaling_maps_the_range_to_zero_and_one():
    transform = data.scale(16)
    x = transform.apply(KEY, LEVELS)
    assert x.dtype == jnp.float32
    np.testing.assert_allclose(x, LEVELS / 16, rtol=1e-7)
    assert transform.name == "scaled to [0, 1]"


TABLE = data.Dataset(
    "table",
    "Made up.",
    {
        "train": data.Split(np.random.default_rng(0).normal([1, -200, 3], [1, 50, 0], (500, 3)).astype(np.float32)),
        "test": data.Split(np.full((5, 3), 1e6, np.float32)),
    },
    max_value=1,
)
INVERTIBLE = {
    "scale": (data.scale(16), LEVELS),
    "standardise": (data.standardise(TABLE), TABLE.train.examples[7]),
    "standardise, one column": (data.standardise(TABLE, [1]), TABLE.train.examples[7]),
    "dequantise": (data.dequantise(16), LEVELS),
    "scale, logit": (data.chain(data.scale(16), data.logit()), LEVELS),
    "dequantise, logit": (data.chain(data.dequantise(16), data.logit(1e-3)), LEVELS),
    "dequantise, logit, standardise": (
        data.chain(data.dequantise(255), data.logit(), data.standardise(TABLE)),
        np.array([0, 128, 255], np.uint8),
    ),
}


@pytest.mark.parametrize("name", INVERTIBLE)
def test_the_log_det_is_that_of_the_jacobian(name):
    transform, stored = INVERTIBLE[name]
    x = transform.apply(KEY, stored)
    # Of the way back: what dequantises takes whole numbers, which have no derivative.
    _, of_inverse = np.linalg.slogdet(np.asarray(jax.jacfwd(transform.to_stored)(x), np.float64))
    np.testing.assert_allclose(transform.log_det(x), -of_inverse, rtol=2e-5)


@pytest.mark.parametrize("name", INVERTIBLE)
def test_stored_values_come_back(name):
    transform, stored = INVERTIBLE[name]
    back = np.asarray(transform.to_stored(transform.apply(KEY, stored)))
    if "dequantise" in name:  # up to the noise, which stays within the interval of a whole number
        assert np.abs(back - stored).max() <= 0.5 + 1e-3
        np.testing.assert_array_equal(np.floor(back + 0.5 - 1e-3), stored)
    else:
        np.testing.assert_allclose(back, stored, rtol=1e-5, atol=1e-3)


def test_standardising_is_fitted_on_the_training_split_alone():
    transform = data.standardise(TABLE)
    x = np.asarray(jax.vmap(lambda row: transform.apply(KEY, row))(TABLE.train.examples))
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(axis=0), [1, 1, 0], atol=1e-4)  # the last column never changes


def test_columns_that_are_not_to_be_standardised_stay_what_they_are():
    x = np.asarray(jax.vmap(lambda row: data.standardise(TABLE, [1]).apply(KEY, row))(TABLE.train.examples))
    np.testing.assert_array_equal(x[:, [0, 2]], TABLE.train.examples[:, [0, 2]])
    np.testing.assert_allclose([x[:, 1].mean(), x[:, 1].std()], [0, 1], atol=1e-4)


def test_dequantised_values_are_uniform_over_the_interval_of_their_number():
    transform = data.dequantise(16)
    draws = np.asarray(jax.vmap(lambda key: transform.apply(key, LEVELS))(jax.random.split(KEY, 4_000))) * 17 - LEVELS
    assert draws.min() >= -1e-5
    assert draws.max() <= 1 + 1e-5
    assert (scipy.stats.kstest(draws.ravel(), "uniform").pvalue) > 1e-3
    assert (transform.apply(KEY, LEVELS) != transform.apply(jax.random.key(1), LEVELS)).all()


def test_bits_per_dim_survive_the_logit():
    """A uniform density of dequantised bytes is 8 bits a dimension, whatever it is carried through."""
    transform = data.chain(data.dequantise(255), data.logit())
    x = transform.apply(KEY, np.arange(256, dtype=np.uint8))
    log_prob_of_x = 256 * math.log(1 / 256) - float(transform.log_det(x))  # what a perfect model of x would say
    np.testing.assert_allclose(bits_per_dim(-log_prob_of_x, 256, float(transform.log_det(x))), 8, rtol=1e-6)


@pytest.mark.parametrize("margin", [0, 0.5, -1])
def test_a_margin_that_cannot_be_is_refused(margin):
    with pytest.raises(ValueError, match=f"expected a margin between 0 and 0.5; got {margin}"):
        data.logit(margin)


IMAGE = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


def test_half_of_the_images_are_flipped():
    flip = data.flip_horizontally()
    images = np.asarray(jax.vmap(lambda key: flip.apply(key, IMAGE))(jax.random.split(KEY, 400)))
    flipped = (images == IMAGE[:, ::-1]).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(images[~flipped], np.broadcast_to(IMAGE, images[~flipped].shape))
    assert abs(flipped.mean() - 0.5) < 4.5 * 0.5 / math.sqrt(400)


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., 0]], ids=["colour", "grey"])
def test_padding_and_cropping_keep_the_middle(image):
    padded = np.asarray(data.pad(8, 5).apply(KEY, image))
    assert padded.shape == (8, 5, *image.shape[2:])
    np.testing.assert_array_equal(padded[1:6, 0:4], image)
    assert padded.sum() == image.sum()
    np.testing.assert_array_equal(data.crop(5, 4).apply(KEY, padded), image)
    np.testing.assert_array_equal(data.crop(3, 2).apply(KEY, image), image[1:4, 1:3])


def test_what_is_too_large_to_pad_or_too_small_to_crop_is_refused():
    with pytest.raises(ValueError, match="expected images of at most 4 x 4 to pad; got 5 x 4; crop them"):
        data.pad(4, 4).apply(KEY, IMAGE)
    with pytest.raises(ValueError, match="expected images of at least 5 x 6 to crop; got 5 x 4; pad them"):
        data.crop(5, 6).apply(KEY, IMAGE)


def test_resizing_to_half_averages_and_to_the_same_changes_nothing():
    image = np.random.default_rng(0).uniform(0, 255, (8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(data.resize(8, 8).apply(KEY, image), image, rtol=1e-5)
    constant = data.resize(3, 5).apply(KEY, np.full((8, 8), 7, np.uint8))
    np.testing.assert_allclose(constant, np.full((3, 5), 7.0), rtol=1e-5)
    # Twice as small: a triangle over four pixels, weights 1/8, 3/8, 3/8, 1/8 in each direction.
    weights = np.array([1, 3, 3, 1]) / 8
    middle = np.einsum("i,j,ijc->c", weights, weights, image[1:5, 3:7])
    np.testing.assert_allclose(data.resize(4, 4).apply(KEY, image)[1, 2], middle, rtol=1e-4)


def test_a_chain_gives_each_part_noise_of_its_own():
    noisy = data.Transform(lambda key, x: x + jax.random.uniform(key, x.shape) / 256, "noisy")
    twice = data.chain(data.dequantise(255), noisy)
    noise = np.asarray(twice.apply(KEY, np.zeros(3, np.uint8)))
    first = np.asarray(data.dequantise(255).apply(jax.random.fold_in(KEY, 0), np.zeros(3, np.uint8)))
    assert (noise - first > 0).all()
    assert np.abs(noise - 2 * first).min() > 1e-5


def test_fractions_are_not_dequantised():
    with pytest.raises(
        ValueError, match="expected whole numbers, stored as integers, to dequantise; got float32; take"
    ):
        data.dequantise(1).apply(KEY, np.zeros(3, np.float32))
    assert data.dequantise(1).apply(KEY, np.ones(3, bool)).min() >= 0.5


def test_the_shape_that_a_model_sees():
    images = data.Dataset("images", "Made up.", {"train": data.Split(np.zeros((3, 28, 28), np.uint8))}, max_value=255)
    assert data.shape_seen(data.chain(data.pad(32, 32), data.scale(255)), images) == (32, 32)


def test_what_is_binary_as_stored_is_not_drawn_again():
    binary = data.Dataset("binary", "Made up.", {"train": data.Split(np.eye(4, dtype=np.uint8))}, max_value=1)
    assert data.binarise(binary).name == "binary as stored"
    assert data.binarise(TABLE.__class__("grey", "", {"train": binary.train}, max_value=255)).name == (
        "dynamic binarisation"
    )


def test_dynamic_binarisation_has_the_grey_level_as_its_mean():
    """Each of 17 means lies within 4.5 standard errors: a false alarm in 1 of 8,000 (and the key is fixed)."""
    num = 20_000
    transform = data.binarise_dynamically(16)
    draws = np.asarray(jax.vmap(lambda key: transform.apply(key, LEVELS))(jax.random.split(KEY, num)))
    assert draws.dtype == np.float32
    assert set(np.unique(draws)) == {0.0, 1.0}
    probabilities = LEVELS / 16
    errors = np.sqrt(probabilities * (1 - probabilities) / num)
    assert (np.abs(draws.mean(axis=0) - probabilities) <= 4.5 * errors).all()
    assert (draws[:, 0] == 0).all()
    assert (draws[:, -1] == 1).all()
    correlations = np.corrcoef(draws[:, 1:-1].T) - np.eye(15)
    assert np.abs(correlations).max() < 5 / math.sqrt(num)  # pixels are independent


def test_dynamic_binarisation_is_a_function_of_the_key():
    transform, image = data.binarise_dynamically(16), np.full((8, 8), 8, np.uint8)
    np.testing.assert_array_equal(transform.apply(KEY, image), transform.apply(KEY, image))
    assert (transform.apply(KEY, image) != transform.apply(jax.random.key(1), image)).any()
    assert transform.log_det(image) == 0
    assert transform.name == "dynamic binarisation"


@pytest.mark.parametrize(("threshold", "first_one"), [(0.5, 9), (0.25, 5), (0.0, 1)])
def test_static_binarisation_is_a_threshold(threshold, first_one):
    transform = data.binarise_statically(16, threshold)
    np.testing.assert_array_equal(transform.apply(KEY, LEVELS), np.arange(17) >= first_one)
    np.testing.assert_array_equal(transform.apply(jax.random.key(9), LEVELS), transform.apply(KEY, LEVELS))
    assert transform.apply(KEY, LEVELS).dtype == jnp.float32
    assert transform.name == f"static binarisation at {threshold:g}"


def test_what_is_binary_already_stays_as_it_is():
    transform, stored = data.already_binary(), np.array([0, 1, 1], np.uint8)
    x = transform.apply(KEY, stored)
    assert x.dtype == jnp.float32
    np.testing.assert_array_equal(x, stored)
