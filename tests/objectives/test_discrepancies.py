"""Distances between samples against second implementations and the closed forms of Gaussians."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from vae_jax.objectives import (
    gaussian_kernel,
    inverse_multiquadric_kernel,
    maximum_mean_discrepancy,
    sliced_wasserstein,
)

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
KERNELS = {
    "gaussian": (
        functools.partial(gaussian_kernel, bandwidths=(0.5, 1.0, 3.0)),
        lambda r2: np.mean([np.exp(-r2 / (2 * h**2)) for h in (0.5, 1.0, 3.0)]),
    ),
    "inverse multiquadric": (
        functools.partial(inverse_multiquadric_kernel, scales=(0.5, 4.0)),
        lambda r2: np.mean([c / (c + r2) for c in (0.5, 4.0)]),
    ),
}
kernels = pytest.mark.parametrize(("kernel", "by_hand"), KERNELS.values(), ids=KERNELS.keys())


@kernels
def test_the_discrepancy_is_the_u_statistic_written_as_loops(kernel, by_hand):
    """Of two samples of different sizes; an event of two axes is a vector."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(5, 2, 2)), generator.normal(size=(7, 2, 2)) + 0.5

    def mean_of(a, b, pairs):
        return np.mean([by_hand(((a[i] - b[j]) ** 2).sum()) for i, j in pairs])

    def others(n):
        return [(i, j) for i in range(n) for j in range(n) if i != j]

    everything = [(i, j) for i in range(5) for j in range(7)]
    expected = mean_of(x, x, others(5)) + mean_of(y, y, others(7)) - 2 * mean_of(x, y, everything)
    discrepancy = jax.jit(functools.partial(maximum_mean_discrepancy, kernel=kernel))
    got = discrepancy(jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32))
    np.testing.assert_allclose(got, expected, rtol=1e-4)


@kernels
def test_of_two_samples_of_one_distribution_it_is_zero_on_average(kernel, by_hand):
    """Within 4.5 standard errors of 4,000 estimates from 8 points each, where with the pairs of a point and itself it
    would be 2/8 (1 − E k) too large.
    """

    @jax.jit
    @jax.vmap
    def estimate(key):
        x, y = jax.random.normal(key, (2, 8, 3))
        return maximum_mean_discrepancy(x, y, kernel)

    estimates = np.asarray(estimate(jax.random.split(KEY, 4_000)), float)
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean()) < 4.5 * error
    assert error < 0.003
    assert (estimates < 0).any()


def test_of_two_gaussians_it_is_the_closed_form():
    """E k(x, y) = Πᵢ h/√(h² + s² + t²) exp(−½ (m − n)²/(h² + s² + t²)): within 4.5 standard errors."""
    m, s, n, t, bandwidth = np.array([0.5, -1.0]), np.array([1.0, 0.5]), np.zeros(2), np.ones(2), 1.3

    def expected_kernel(m, s, n, t):
        variance = bandwidth**2 + s**2 + t**2
        return np.prod(bandwidth / np.sqrt(variance) * np.exp(-0.5 * (m - n) ** 2 / variance))

    exact = expected_kernel(m, s, m, s) + expected_kernel(n, t, n, t) - 2 * expected_kernel(m, s, n, t)

    @jax.jit
    @jax.vmap
    def estimate(key):
        x, y = jax.random.normal(key, (2, 50, 2))
        return maximum_mean_discrepancy(
            m + s * x, n + t * y, functools.partial(gaussian_kernel, bandwidths=[bandwidth])
        )

    estimates = np.asarray(estimate(jax.random.split(KEY, 2_000)), float)
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean() - exact) < 4.5 * error
    assert error < 0.02 * exact


def test_bandwidths_and_scales_may_be_lanes_and_equal_points_have_a_gradient():
    generator = np.random.default_rng(0)
    x, y = jnp.asarray(generator.normal(size=(2, 6, 2)), jnp.float32)

    @jax.jit
    def in_lanes(lanes):
        def both(lane):
            return [
                maximum_mean_discrepancy(x, y, functools.partial(gaussian_kernel, bandwidths=lane[None])),
                maximum_mean_discrepancy(x, y, functools.partial(inverse_multiquadric_kernel, scales=lane[None])),
            ]

        def at_equal_points(x):
            return sum(both(lanes[0])) + sliced_wasserstein(KEY, x, x, num_projections=3)

        return jax.vmap(both)(lanes), jax.grad(at_equal_points)(x)

    lanes = np.array([0.3, 1.0, 5.0], np.float32)
    (gaussian, multiquadric), gradient = in_lanes(lanes)
    for lane, one, other in zip(lanes, gaussian, multiquadric, strict=True):
        for got, kernel in (
            (one, functools.partial(gaussian_kernel, bandwidths=(float(lane),))),
            (other, functools.partial(inverse_multiquadric_kernel, scales=(float(lane),))),
        ):
            np.testing.assert_allclose(got, maximum_mean_discrepancy(x, y, kernel), rtol=1e-4, atol=1e-6)
    assert np.isfinite(gradient).all()


def test_along_a_line_sliced_wasserstein_is_the_best_assignment():
    """Of all ways to pair the points, found by the Hungarian method; whatever the direction's sign."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(9, 1)), generator.normal(size=(9, 1)) * 2 + 1
    costs = (x - y.T) ** 2
    expected = costs[linear_sum_assignment(costs)].mean()
    for seed in range(3):
        got = sliced_wasserstein(
            jax.random.key(seed), jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32), num_projections=4
        )
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_sliced_wasserstein_of_two_gaussians_is_the_closed_form():
    """‖m − n‖²/d + (s − t)² for N(m, s²I) and N(n, t²I): 40 estimates within 4.5 standard errors, and 1 % for the
    2,000 points of each, whose own distance is not zero.
    """
    m, s, t = np.array([1.0, -1.0, 0.5]), 1.5, 0.5

    @jax.jit
    @jax.vmap
    def estimate(key):
        sample_key, key = jax.random.split(key)
        x, y = jax.random.normal(sample_key, (2, 2_000, 3))
        return sliced_wasserstein(key, m + s * x, t * y, num_projections=20)

    estimates = np.asarray(estimate(jax.random.split(KEY, 40)), float)
    exact = (m**2).sum() / 3 + (s - t) ** 2
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean() - exact) < 4.5 * error + 0.01 * exact
    assert error < 0.03 * exact


def test_a_sample_is_at_no_distance_from_itself_in_another_order():
    generator = np.random.default_rng(0)
    x = jnp.asarray(generator.normal(size=(20, 4)), jnp.float32)
    assert float(sliced_wasserstein(KEY, x, x[::-1], num_projections=7)) < 1e-12


@pytest.mark.parametrize(("other", "num_projections"), [((5, 2), 1), ((4, 3), 1), ((4, 2), 0)])
def test_what_cannot_be_compared_is_refused(unchecked_shapes, other, num_projections):
    with pytest.raises(
        ValueError, match="expected two samples of the same shape and at least 1 projection; got shapes"
    ):
        sliced_wasserstein(KEY, jnp.zeros((4, 2)), jnp.zeros(other), num_projections=num_projections)
