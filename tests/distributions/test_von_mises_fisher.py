"""The von Mises-Fisher distribution from the circle to a hundred dimensions, from nearly uniform to nearly certain."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, interpolate, special, stats

from vae_jax.distributions import VonMisesFisher
from vae_jax.distributions.sphere_angle import sample_angle
from vae_jax.distributions.sphere_moments import sphere_moments

LEVEL = 1e-4
NUM_SAMPLES = 20_000
CONCENTRATIONS = np.array([1e-2, 1.0, 100.0, 1e4])
sizes = pytest.mark.parametrize("size", [2, 3, 100])


def angle_distribution(concentration, size):
    """The distribution function of the angle and its derivative by κ, on a fine grid in float64."""
    spread = 14 / np.sqrt(concentration + size - 1)
    centre = np.arccos(2 * concentration / (size - 2 + np.hypot(size - 2, 2 * concentration)))
    grid = np.linspace(max(centre - spread, 1e-12), min(centre + spread, np.pi - 1e-12), 20_001)
    log_density = concentration * (np.cos(grid) - 1) + (size - 2) * np.log(np.sin(grid))
    density = np.exp(log_density - log_density.max())
    density = density / integrate.simpson(density, x=grid)
    mean = integrate.simpson(density * np.cos(grid), x=grid)
    cdf = integrate.cumulative_simpson(density, x=grid, initial=0)
    moved = integrate.cumulative_simpson((np.cos(grid) - mean) * density, x=grid, initial=0)
    return grid, cdf, -moved / np.maximum(density, 1e-200)


@sizes
def test_angles_and_their_gradient_are_those_of_the_distribution_function(size):
    """Kolmogorov-Smirnov at a level of 1e-4 for each κ; dθ/dκ = −(∂F/∂κ)/p to four digits, in float32."""
    keys = jax.random.split(jax.random.key(size), NUM_SAMPLES)
    of = jax.value_and_grad(lambda concentration, key: sample_angle(key, concentration, size))
    angles, slopes = jax.jit(jax.vmap(jax.vmap(of, in_axes=(None, 0)), in_axes=(0, None)))(
        jnp.asarray(CONCENTRATIONS, jnp.float32), keys
    )
    for concentration, drawn, slope in zip(CONCENTRATIONS, np.asarray(angles, float), np.asarray(slopes), strict=True):
        grid, cdf, exact = angle_distribution(concentration, size)
        assert (
            stats.kstest(drawn, interpolate.interp1d(grid, cdf, bounds_error=False, fill_value=(0, 1))).pvalue > LEVEL
        )
        # Where the grid's own integral keeps its digits: not in the last tail, of mass 1e-6.
        inside = (drawn > np.interp(1e-6, cdf, grid)) & (drawn < np.interp(1 - 1e-6, cdf, grid))
        assert inside.mean() > 0.999
        expected = interpolate.CubicSpline(grid, exact)(drawn[inside])
        np.testing.assert_allclose(slope[inside], expected, rtol=2e-4, atol=2e-4 * np.abs(expected).mean())


@pytest.mark.parametrize("size", [2, 100])
def test_log_prob_keeps_its_digits(size):
    """In float32 against the formula in float64, three typical angles away from the mean; gradients are finite."""
    order = size / 2 - 1
    loc, across = np.linspace(-1, 2, size), np.zeros(size)
    loc, across[[0, -1]] = loc / np.linalg.norm(loc), [2 / np.sqrt(5), 1 / np.sqrt(5)]
    angles = np.minimum(3 * np.sqrt(size / CONCENTRATIONS), 3)
    values = (np.cos(angles)[:, None] * loc + np.sin(angles)[:, None] * across).astype(np.float32)
    log_prob = lambda concentration, loc, value: VonMisesFisher(loc, concentration).log_prob(value)
    log_probs, gradients = jax.jit(jax.vmap(jax.value_and_grad(log_prob, argnums=(0, 1, 2)), in_axes=(0, None, 0)))(
        jnp.asarray(CONCENTRATIONS, jnp.float32), jnp.asarray(loc, jnp.float32), values
    )
    bessel = np.log(special.ive(order, CONCENTRATIONS)) + CONCENTRATIONS
    normaliser = order * np.log(CONCENTRATIONS) - size / 2 * np.log(2 * np.pi) - bessel
    # −½ ‖x − μ‖² for μᵀx − 1: float32 directions have a length of one to 1e-7 only, which κ would magnify.
    squares = np.square(values.astype(float) - loc).sum(axis=1)
    np.testing.assert_allclose(log_probs, normaliser + CONCENTRATIONS * (1 - squares / 2), rtol=2e-6, atol=1e-4)
    assert all(np.isfinite(leaf).all() for leaf in gradients)


@sizes
def test_moments_are_ratios_of_bessel_functions(size):
    """ψ, A and their complements against scipy in float64, and the derivative of ψ against A, in float32."""
    concentrations = np.array([1e-2, 0.3, 3.0, 30.0, 1e3, 1e4])
    order = size / 2 - 1
    moments, slopes = jax.jit(
        jax.vmap(lambda k: (sphere_moments(k, size), jax.grad(lambda k: sphere_moments(k, size).log_moment)(k)))
    )(jnp.asarray(concentrations, jnp.float32))
    bessel = special.ive(order, concentrations)
    resultant = special.ive(order + 1, concentrations) / bessel
    scaled = np.log(bessel) - order * np.log(concentrations / 2) + special.gammaln(order + 1)
    np.testing.assert_allclose(moments.log_moment, scaled + concentrations, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(moments.log_moment_gap, -scaled, rtol=1e-6, atol=5e-5)
    np.testing.assert_allclose(moments.resultant, resultant, rtol=1e-6)
    np.testing.assert_allclose(moments.scaled_resultant_gap, concentrations * (1 - resultant), rtol=2e-5)
    np.testing.assert_allclose(slopes, resultant, rtol=1e-4, atol=1e-6)


def test_a_mean_direction_along_the_first_axis_is_nothing_special():
    """Where a reflection could divide by zero: samples and gradients stay finite, and the mean is right."""
    of = jax.vmap(jax.value_and_grad(lambda loc, key: VonMisesFisher(loc, 4.0).sample(key).sum()), in_axes=(None, 0))
    for sign in (1, -1):
        sums, gradients = jax.jit(of)(sign * jnp.eye(3)[0], jax.random.split(jax.random.key(0), NUM_SAMPLES))
        assert np.isfinite(gradients).all()
        expected = sign * (1 / np.tanh(4) - 1 / 4)
        assert abs(sums.mean() - expected) < 4.5 * sums.std() / np.sqrt(NUM_SAMPLES)
