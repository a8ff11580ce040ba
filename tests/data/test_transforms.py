"""From stored examples to what a model sees."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax import data

KEY = jax.random.key(0)
LEVELS = np.arange(17, dtype=np.uint8)


def test_scaling_maps_the_range_to_zero_and_one_and_its_log_scale_is_the_derivative():
    transform = data.scale(16)
    x = transform.apply(KEY, LEVELS)
    assert x.dtype == jnp.float32
    np.testing.assert_allclose(x, LEVELS / 16, rtol=1e-7)
    derivative = jax.grad(lambda stored: transform.apply(KEY, stored))(3.0)
    np.testing.assert_allclose(transform.log_scale, math.log(derivative), rtol=1e-6)
    assert not transform.is_binary
    assert transform.name == "scaled to [0, 1]"


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
    assert transform.is_binary
    assert transform.log_scale == 0
    assert transform.name == "dynamic binarisation"


@pytest.mark.parametrize(("threshold", "first_one"), [(0.5, 9), (0.25, 5), (0.0, 1)])
def test_static_binarisation_is_a_threshold(threshold, first_one):
    transform = data.binarise_statically(16, threshold)
    np.testing.assert_array_equal(transform.apply(KEY, LEVELS), np.arange(17) >= first_one)
    np.testing.assert_array_equal(transform.apply(jax.random.key(9), LEVELS), transform.apply(KEY, LEVELS))
    assert transform.apply(KEY, LEVELS).dtype == jnp.float32
    assert transform.is_binary
    assert transform.name == f"static binarisation at {threshold:g}"


def test_what_is_binary_already_stays_as_it_is():
    transform, stored = data.already_binary(), np.array([0, 1, 1], np.uint8)
    x = transform.apply(KEY, stored)
    assert x.dtype == jnp.float32
    np.testing.assert_array_equal(x, stored)
    assert transform.is_binary
