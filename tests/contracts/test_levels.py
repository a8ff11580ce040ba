"""Pixels with levels, beyond the laws of every family: levels sum to one, bits are of bytes, colours are coupled."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, logsumexp, softmax

from vae_jax.distributions import CategoricalPixels, DiscretisedLogistic, DiscretisedLogisticMixture

LEVELS = np.arange(256) / 255
LOCS = np.array([-50.0, -1.0, -0.1, 0.0, 1e-3, 0.2, 0.5, 1 / 3, 254.5 / 255, 1.0, 1.4, 50.0])
SCALES = np.array([1e-5, np.exp(-7), 1e-3, 0.02, 0.3, 1.0, 30.0, 1e4])
RNG = np.random.default_rng(0)


@jax.jit
def all_log_masses(loc, scale):
    """Of every level, for every pair of a centre and a scale."""
    of_one = lambda loc, scale: jax.vmap(DiscretisedLogistic(loc, scale).log_prob)(jnp.asarray(LEVELS, loc.dtype))
    return jax.vmap(lambda loc: jax.vmap(lambda scale: of_one(loc, scale))(scale))(loc)


def test_the_levels_sum_to_one_for_any_mean_and_scale():
    """Far outside of the image, at an edge between levels, from a hundredth of a level to 10,000 images wide."""
    log_masses = np.asarray(all_log_masses(LOCS.astype(np.float32), SCALES.astype(np.float32)), float)
    np.testing.assert_allclose(np.exp(log_masses).sum(axis=-1), 1, rtol=0, atol=1e-6)
    with jax.enable_x64(True):
        exact = np.asarray(all_log_masses(LOCS, SCALES))
    np.testing.assert_allclose(np.exp(exact).sum(axis=-1), 1, rtol=0, atol=1e-13)


def test_the_mass_of_a_level_has_all_its_digits_far_from_the_mean():
    """In the tail s(b) − s(a) → e^a (e^(b − a) − 1): −1,000 nats, where the difference of two numbers is 0."""
    loc, scale, level = 0.9, 2e-4, 100
    below, above = ((level + half) / 255 - loc for half in (-0.5, 0.5))
    exact = above / scale + np.log(-np.expm1((below - above) / scale))
    assert exact < -1_000
    log_mass = DiscretisedLogistic(jnp.float32(loc), jnp.float32(scale)).log_prob(jnp.float32(level / 255))
    np.testing.assert_allclose(log_mass, exact, rtol=1e-6)


def test_bits_of_a_wide_discretised_logistic():
    """As σ → ∞ half of the mass goes to either end, and a level between them keeps w/(4σ): bits without a limit.

    Against uniform bytes no distribution has less than 8 bits on average; the best of this family stays within 0.3.
    """
    scales = np.array([0.15, 0.2, 0.25, 0.3, 1e3])
    bits = -np.asarray(all_log_masses(np.float32([0.5]), scales.astype(np.float32)), float)[0] / np.log(2)
    expected = (2 * 1 + 254 * np.log2(4 * 255 * 1e3)) / 256
    np.testing.assert_allclose(bits[-1].mean(), expected, rtol=2e-3)
    average = bits[:-1].mean(axis=1)
    assert (average > 8).all()
    assert average.min() < 8.3


def test_equal_logits_are_eight_bits_for_any_bytes():
    generator = np.random.default_rng(0)
    image = jnp.asarray(generator.integers(0, 256, (5, 4, 3)) / 255, jnp.float32)
    bits = -CategoricalPixels(jnp.full((5, 4, 3, 256), 3.7)).log_prob(image) / np.log(2) / image.size
    np.testing.assert_allclose(bits, 8.0, rtol=1e-6)


def test_every_level_is_read_back_even_from_eight_bits():
    """Bytes scaled in float32 or bfloat16 are still those bytes."""
    for dtype in (jnp.float32, jnp.bfloat16):
        values = jnp.asarray(LEVELS, jnp.float32).astype(dtype)
        certain = CategoricalPixels(1e4 * jnp.eye(256))
        assert float(certain.log_prob(values)) == 0


# Colours

COLOURS = {
    "logits": RNG.normal(size=(1, 2, 2)),
    "loc": RNG.uniform(-0.1, 1.1, (1, 2, 3, 2)),
    "scale": RNG.uniform(0.05, 0.3, (1, 2, 3, 2)),
    "coefficients": RNG.uniform(-1, 1, (1, 2, 3, 2)),
}


def in_the_paper_s_units(params, x, num_levels):
    """log P(x) by equations 1 to 3 of Salimans et al. 2017, pixel by pixel, for x, centres and scales in [−1, 1]."""
    x, total = 2 * x - 1, 0.0
    loc, scale, half = 2 * params["loc"] - 1, 2 * params["scale"], 1 / (num_levels - 1)
    for row, column in np.ndindex(x.shape[:2]):
        red, green, blue = x[row, column]
        alpha, beta, gamma = params["coefficients"][row, column]
        means = loc[row, column]
        centres = [means[0], means[1] + alpha * red, means[2] + beta * red + gamma * green]
        of_component = np.log(softmax(params["logits"][row, column]))
        for value, centre, width in zip((red, green, blue), centres, scale[row, column], strict=True):
            upper = 1.0 if value > 1 - half else expit((value + half - centre) / width)
            lower = 0.0 if value < -1 + half else expit((value - half - centre) / width)
            of_component = of_component + np.log(upper - lower)
        total += logsumexp(of_component)
    return total


def of_colours(num_levels, dtype=jnp.float32):
    return DiscretisedLogisticMixture(**{k: jnp.asarray(v, dtype) for k, v in COLOURS.items()}, num_levels=num_levels)


@pytest.mark.parametrize("num_levels", [256, 5])
def test_colours_are_the_paper_s_equations(num_levels):
    generator = np.random.default_rng(0)
    images = generator.integers(0, num_levels, (6, 1, 2, 3)) / (num_levels - 1)
    images[0], images[1] = 0, 1
    expected = [in_the_paper_s_units(COLOURS, image, num_levels) for image in images]
    with jax.enable_x64(True):
        exact = jax.jit(jax.vmap(of_colours(num_levels, jnp.float64).log_prob))(images)
    np.testing.assert_allclose(exact, expected, rtol=1e-9)


def test_all_colours_together_have_probability_one_and_samples_follow_it():
    """A pixel of 5 levels has 125 colours: their sum, and χ² of the samples at a level of 1e-4."""
    params = {name: jnp.asarray(value[:, :1], jnp.float32) for name, value in COLOURS.items()}
    pixel = DiscretisedLogisticMixture(**params, num_levels=5)
    colours = np.array(list(itertools.product(range(5), repeat=3))).reshape(-1, 1, 1, 3)
    mass = np.exp(np.asarray(jax.jit(jax.vmap(pixel.log_prob))(colours.astype(np.float32) / 4), float))
    np.testing.assert_allclose(mass.sum(), 1, rtol=1e-6)

    num_samples = 50_000
    draws = jax.jit(jax.vmap(pixel.sample))(jax.random.split(jax.random.key(0), num_samples))
    codes = np.round(np.asarray(draws) * 4).astype(int).reshape(-1, 3) @ [25, 5, 1]
    counts, expected = np.bincount(codes, minlength=125), mass * num_samples
    common = expected > 5
    statistic = ((counts - expected)[common] ** 2 / expected[common]).sum()
    assert statistic < common.sum() + 4 * np.sqrt(2 * common.sum())  # 1e-4 of χ² with 100 degrees is 4 deviations
    assert abs(counts[~common].sum() - expected[~common].sum()) < 4 * np.sqrt(expected[~common].sum())


def test_equal_components_are_one():
    """With and without colours: weights change nothing where there is nothing to choose."""
    generator = np.random.default_rng(0)
    x = jnp.asarray(generator.integers(0, 256, (2, 3)) / 255, jnp.float32)
    loc, weights = (
        generator.uniform(size=(2, 3)).astype(np.float32),
        generator.normal(size=(2, 3, 4)).astype(np.float32),
    )

    @jax.jit
    def both(loc, weights):
        one = DiscretisedLogistic(loc, jnp.full((2, 3), 0.1))
        repeated = [jnp.repeat(array[..., None], 4, axis=-1) for array in (one.loc, one.scale)]
        grey = DiscretisedLogisticMixture(weights, *repeated)
        colours = DiscretisedLogisticMixture(weights[:, 0], *repeated, jnp.zeros((2, 3, 4)))
        return [(each.log_prob(x), each.mean()) for each in (one, grey, colours)]

    (expected, expected_mean), *mixtures = both(loc, weights)
    for log_prob, mean in mixtures:
        np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
        np.testing.assert_allclose(mean, expected_mean, rtol=1e-5)
