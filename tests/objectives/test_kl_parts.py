"""ELBO surgery: the parts of the KL against quadrature, a Gaussian aggregate, and each other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from vae_jax.distributions import Normal, standard_normal
from vae_jax.objectives import beta_tcvae, minibatch_stratified, minibatch_weighted
from vae_jax.objectives.of_a_batch.aggregate import aggregate_log_prob
from vae_jax.vae import VAE

KEY = jax.random.key(0)
LOC = np.array([[-1.0, 0.5], [0.8, 1.2], [0.3, -1.5]])
SCALE = np.array([[0.6, 0.9], [0.4, 0.7], [1.1, 0.5]])


def of_three(dtype=jnp.float32):
    """Three examples, one-hot, with a posterior of their own each."""
    loc, scale = jnp.asarray(LOC, dtype), jnp.asarray(SCALE, dtype)
    return VAE(lambda x: Normal(x @ loc, x @ scale), lambda z: Normal(z[:1], jnp.ones(3)), standard_normal(2))


@functools.cache
def surgery_by_quadrature() -> dict[str, float]:
    """The parts for the three examples as the whole data set, on a grid of 801 x 801, in float64."""
    grid = np.linspace(-9, 9, 801)
    cell = (grid[1] - grid[0]) ** 2
    along = norm.pdf(grid[None, :, None], LOC[:, None], SCALE[:, None])  # example, place, dimension
    each = along[:, :, None, 0] * along[:, None, :, 1]
    q = each.mean(axis=0)
    marginals = along.mean(axis=0)
    product = marginals[:, None, 0] * marginals[None, :, 1]
    prior = norm.pdf(grid)[:, None]
    tiny = 1e-300
    return {
        "mutual_information": (each * np.log((each + tiny) / (q + tiny))).sum() * cell / 3,
        "total_correlation": (q * np.log((q + tiny) / (product + tiny))).sum() * cell,
        "dimension_wise_kl": (marginals * np.log((marginals + tiny) / prior)).sum() * (grid[1] - grid[0]),
    }


def test_the_quadrature_adds_up_to_the_kl_in_closed_form():
    kl = np.sum(0.5 * (SCALE**2 + LOC**2 - 1) - np.log(SCALE)) / 3
    np.testing.assert_allclose(sum(surgery_by_quadrature().values()), kl, rtol=1e-9)


def test_the_parts_are_those_of_quadrature_on_a_finite_set():
    """The whole data set as the batch: each part within 4.5 standard errors of 20,000 estimates; their sum is the KL
    sample for sample.
    """
    num_estimates = 20_000

    @jax.jit
    @jax.vmap
    def estimate(key):
        return beta_tcvae(key, of_three(), jnp.eye(3), 0, num_examples=3)[1]

    metrics = {name: np.asarray(value, float) for name, value in estimate(jax.random.split(KEY, num_estimates)).items()}
    exact = surgery_by_quadrature()
    np.testing.assert_allclose(sum(metrics[name] for name in exact), metrics["kl"], rtol=1e-4, atol=1e-5)
    for name, value in exact.items():
        estimates = metrics[name].mean(axis=1)
        error = estimates.std() / np.sqrt(num_estimates)
        assert error < 0.01
        assert abs(estimates.mean() - value) < 4.5 * error, name
        assert value > 0.05


@pytest.mark.parametrize(("correlation", "noise"), [(0.0, 0.4), (0.5, 0.4), (0.9, 0.2)])
def test_the_total_correlation_of_a_gaussian_aggregate(correlation, noise):
    """−½ log det of the correlation matrix, within 0.03 nats of 3,000 examples whose covariance is exact.

    The rest is that a finite sample of means is no exact normal.
    """
    num, covariance = 3_000, np.array([[1.0, correlation], [correlation, 1.0]])
    x = np.random.default_rng(0).normal(size=(num, 2))
    x = np.linalg.solve(np.linalg.cholesky(np.cov(x.T, bias=True)), (x - x.mean(axis=0)).T).T
    x = x @ np.linalg.cholesky(covariance - noise**2 * np.eye(2)).T
    vae = VAE(lambda x: Normal(x, jnp.full(2, noise)), lambda z: Normal(z, jnp.ones(2)), standard_normal(2))
    _, metrics = jax.jit(lambda x: beta_tcvae(KEY, vae, x, 0, num_examples=num))(jnp.asarray(x, jnp.float32))
    exact = -0.5 * np.log(np.linalg.det(covariance))
    assert abs(float(metrics["total_correlation"].mean()) - exact) < 0.03


@functools.cache
def of_many_batches() -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """One code of example 0 of 40; q(z) and its marginals; and their estimates from 20,000 batches of 6 with it."""
    rng = np.random.default_rng(3)
    loc, scale = rng.normal(size=(40, 2)), rng.uniform(0.5, 1.0, size=(40, 2))
    code = loc[0] + 0.3 * scale[0]
    others = np.array([rng.choice(np.arange(1, 40), 5, replace=False) for _ in range(20_000)])
    batches = np.concatenate([np.zeros((20_000, 1), int), others], axis=1)
    of_dimensions = norm.pdf(code, loc, scale)

    @jax.jit
    @jax.vmap
    def estimates(batch):
        posterior = Normal(jnp.asarray(loc, jnp.float32)[batch], jnp.asarray(scale, jnp.float32)[batch])
        codes = jnp.broadcast_to(jnp.asarray(code, jnp.float32), (6, 2))
        weights = {"stratified": minibatch_stratified(6, 40), "weighted": minibatch_weighted(6, 40)}
        found = {name: aggregate_log_prob(posterior, codes, table) for name, table in weights.items()}
        return {name: jnp.append(some.marginals[0], some.joint[0]) for name, some in found.items()}

    densities = np.concatenate([of_dimensions, of_dimensions.prod(axis=1, keepdims=True)], axis=1)
    return densities, {name: np.asarray(value, float) for name, value in estimates(batches).items()}, code


def test_the_stratified_estimate_of_the_density_is_unbiased_and_its_logarithm_too_low():
    """z₁, z₂ and both: within 4.5 standard errors of q(z); the logarithm by more than 4.5 of them below."""
    densities, estimates, _ = of_many_batches()
    exact, found = densities.mean(axis=0), estimates["stratified"]
    error = np.exp(found).std(axis=0) / np.sqrt(len(found))
    assert (np.abs(np.exp(found).mean(axis=0) - exact) < 4.5 * error).all()
    assert (error < 0.01 * exact).all()
    log_error = found.std(axis=0) / np.sqrt(len(found))
    assert (found.mean(axis=0) < np.log(exact) - 4.5 * log_error).all()


def test_the_weighted_estimate_of_the_density_is_at_least_the_batch_size_too_small():
    """Its expectation is (q(z|x₀) + (B − 1) E q(z|others))/(N B)."""
    densities, estimates, _ = of_many_batches()
    expected = (densities[0] + 5 * densities[1:].mean(axis=0)) / (40 * 6)
    found = np.exp(estimates["weighted"])
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - expected) < 4.5 * error).all()
    assert (expected < densities.mean(axis=0) / 6).all()


def test_with_the_whole_data_set_one_is_exact_and_the_other_shifted_by_log_n():
    loc, scale = jnp.asarray(LOC, jnp.float32), jnp.asarray(SCALE, jnp.float32)
    codes = loc + 0.5 * scale

    @jax.jit
    def both(codes):
        return [
            aggregate_log_prob(Normal(loc, scale), codes, table(3, 3))
            for table in (minibatch_stratified, minibatch_weighted)
        ]

    stratified, weighted = both(codes)
    pairs = norm.pdf(np.asarray(codes, float)[:, None], LOC, SCALE)
    np.testing.assert_allclose(stratified.joint, np.log(pairs.prod(axis=-1).mean(axis=1)), rtol=1e-5)
    np.testing.assert_allclose(stratified.marginals, np.log(pairs.mean(axis=1)), rtol=1e-4)
    np.testing.assert_allclose(weighted.joint, stratified.joint - np.log(3), rtol=1e-5)
    np.testing.assert_allclose(weighted.marginals, stratified.marginals - np.log(3), rtol=1e-5)
