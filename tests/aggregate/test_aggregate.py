"""Densities fitted to codes, against a mixture whose density is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from vae_jax import aggregate, flows, generation
from vae_jax.aggregate import SecondStage
from vae_jax.distributions import Mixture, MultivariateNormal, Normal, standard_normal
from vae_jax.objectives import iwae
from vae_jax.vae import VAE

KEY = jax.random.key(0)
WEIGHTS = np.array([0.3, 0.7])
LOCS = np.array([[-3.0, 1.0], [2.0, 10.0]])
SCALE_TRILS = np.array([[[0.8, 0.0], [0.5, 0.6]], [[1.0, 0.0], [-0.9, 2.0]]])


def truth() -> Mixture:
    log_weights, locs, scale_trils = (jnp.asarray(array, jnp.float32) for array in (np.log(WEIGHTS), LOCS, SCALE_TRILS))
    return Mixture(log_weights, MultivariateNormal(locs, scale_trils))


def scipy_log_prob(values):
    parts = [
        np.log(weight) + stats.multivariate_normal(loc, tril @ tril.T).logpdf(values)
        for weight, loc, tril in zip(WEIGHTS, LOCS, SCALE_TRILS, strict=True)
    ]
    return np.logaddexp(*parts)


@pytest.fixture(scope="module")
def codes():
    return jax.vmap(truth().sample)(jax.random.split(jax.random.key(1), 20_000))


@pytest.fixture(scope="module")
def others():
    return jax.vmap(truth().sample)(jax.random.split(jax.random.key(2), 20_000))


def shortfall(distribution, others):
    """Mean of log p − log fit over codes that the fit has not seen: an estimate of the KL; and its standard error."""
    differences = scipy_log_prob(np.asarray(others, float)) - np.asarray(
        jax.jit(jax.vmap(distribution.log_prob))(others), float
    )
    return differences.mean(), differences.std() / np.sqrt(len(differences))


def test_the_mixture_is_scipys(others):
    """Its density, its mean, and its samples by their second coordinate: Kolmogorov-Smirnov at 1e-4."""
    np.testing.assert_allclose(jax.jit(jax.vmap(truth().log_prob))(others[:50]), scipy_log_prob(others[:50]), rtol=2e-5)
    np.testing.assert_allclose(truth().mean(), WEIGHTS @ LOCS, rtol=1e-6)
    value, log_prob = jax.jit(lambda mixture: mixture.sample_and_log_prob(KEY))(truth())
    np.testing.assert_allclose(log_prob, scipy_log_prob(value), rtol=1e-5)
    deviations = np.sqrt([(tril @ tril.T)[1, 1] for tril in SCALE_TRILS])
    cdf = lambda value: sum(
        weight * stats.norm(loc[1], scale).cdf(value)
        for weight, loc, scale in zip(WEIGHTS, LOCS, deviations, strict=True)
    )
    assert stats.kstest(np.asarray(others[:, 1], float), cdf).pvalue > 1e-4


def test_a_fitted_mixture_recovers_the_log_likelihood(codes, others):
    """Within 0.003 nats; asymptotically 11 parameters over 2 · 20,000 codes, 0.0003. One normal misses by 1."""
    mean, error = shortfall(aggregate.gaussian_mixture(codes, num_components=2), others)
    assert -4.5 * error < mean < 0.003
    assert shortfall(aggregate.gaussian_mixture(codes, num_components=1), others)[0] > 0.9


def test_a_fitted_flow_recovers_the_log_likelihood(codes, others):
    """Within 0.05 nats of two separate clusters, and never above it by more than 4.5 standard errors."""
    flow = flows.masked_autoregressive(2, 2, (32,), transformer=flows.SplineTransformer(num_bins=8, bound=4.0))
    fit = jax.jit(
        lambda key, codes, learning_rate: aggregate.flow_density(
            key, codes, flow, num_steps=1_500, learning_rate=learning_rate
        )
    )(KEY, codes, 5e-3)
    mean, error = shortfall(fit, others)
    assert -4.5 * error < mean < 0.05


def test_a_second_stage_makes_the_codes(codes, others):
    """Its importance-weighted bound is within 0.3 nats of the log-likelihood, of which one normal misses 1.0.

    Its samples are in the two clusters as often as the codes. Half the steps and width of the default: with those it
    is within 0.05 nats.
    """
    options = {"hidden_sizes": (64, 64), "num_steps": 3_000, "learning_rate": 3e-3}
    fit = jax.jit(lambda key, codes: aggregate.two_stage(key, codes, **options))(KEY, codes)
    samples = np.asarray(jax.vmap(fit.sample)(jax.random.split(KEY, 5_000)), float)
    share = (samples[:, 0] + samples[:, 1] / 2 > 1.5).mean()
    np.testing.assert_allclose(share, WEIGHTS[1], atol=0.03)
    np.testing.assert_allclose(samples.mean(axis=0), WEIGHTS @ LOCS, atol=0.3)
    standardised = (others[:2_000] - fit.loc) / fit.scale
    vae = fit.vae
    bounds = jax.jit(jax.vmap(lambda key, code: iwae(key, vae, code, num_samples=500)[0]))(
        jax.random.split(KEY, 2_000), standardised
    )
    bound = np.asarray(bounds, float) - np.log(np.asarray(fit.scale, float)).sum()
    assert 0 < np.mean(scipy_log_prob(np.asarray(others[:2_000], float)) - bound) < 0.3
    np.testing.assert_array_equal(fit.mean(), fit.loc)


def test_a_second_stage_has_no_density():
    fit = SecondStage({}, jnp.zeros(2), jnp.ones(2), (3,))
    message = "expected a distribution with a log-density; got a SecondStage.*; bound it by objectives.iwae of its vae"
    with pytest.raises(TypeError, match=message):
        fit.log_prob(jnp.zeros(2))


def small_vae() -> VAE:
    """Two latent dimensions, decoded to their sum and difference without noise to speak of."""
    matrix = jnp.array([[1.0, 1.0], [1.0, -1.0]])
    return VAE(
        lambda x: Normal(matrix @ x / 2, jnp.full(2, 0.1)), lambda z: Normal(matrix @ z, 0.1), standard_normal(2)
    )


def test_a_vae_is_sampled_from_what_was_fitted(codes):
    """The codes of decoded codes are fitted again: generated examples have their mean."""
    vae = small_vae()
    examples = jax.vmap(lambda z: vae.likelihood(z).mean())(codes)
    again = aggregate.codes(KEY, vae, examples)
    assert np.abs(again - codes).std() > 0.05  # drawn, not means
    fitted = aggregate.with_prior(vae, aggregate.gaussian_mixture(again, num_components=2))
    generated = generation.sample(KEY, fitted, 5_000)
    standard_error = np.std(np.asarray(examples), axis=0) / np.sqrt(5_000)
    np.testing.assert_array_less(np.abs(np.mean(generated - jnp.mean(examples, axis=0), axis=0)), 4.5 * standard_error)


def test_what_does_not_fit_is_refused(unchecked_shapes):
    vae = small_vae()
    with pytest.raises(
        ValueError, match=r"expected a distribution over codes of shape \(2,\); got one of shape \(3,\)"
    ):
        aggregate.with_prior(vae, standard_normal(3))
    with pytest.raises(ValueError, match="got 3 codes for 5 components; encode more examples or use fewer components"):
        aggregate.gaussian_mixture(jnp.ones((3, 2)), num_components=5)
    with pytest.raises(ValueError, match=r"expected codes of shape \(num, 3\), as the flow's size; got \(4, 2\)"):
        aggregate.flow_density(KEY, jnp.ones((4, 2)), flows.masked_autoregressive(3, 2))
    with pytest.raises(ValueError, match=r"expected codes that are vectors, of shape \(num, size\); got \(4, 2, 2\)"):
        aggregate.two_stage(KEY, jnp.ones((4, 2, 2)))
