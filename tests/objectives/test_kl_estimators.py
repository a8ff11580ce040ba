"""Estimators of one KL, and of its gradient: what they share, where they differ, and what they refuse."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Normal, PointMass, kl_divergence, standard_normal
from vae_jax.objectives import (
    analytic_kl,
    analytic_kl_per_dimension,
    autoencoder,
    elbo,
    iwae,
    pathwise,
    sampled_kl,
    sticking_the_landing,
)
from vae_jax.vae import VAE, draw

ESTIMATORS = {
    "analytic": (analytic_kl, pathwise),
    "sampled": (sampled_kl, pathwise),
    "without score": (sampled_kl, sticking_the_landing),
}
NUM_SAMPLES = 20_000
# A posterior whose marginals are N(θ₀, 0.8²) and N(θ₁, (1.3 + 0.1 θ₂)²), and x that only its mean follows.
THETA = jnp.array([0.7, -0.4, 0.5])


def a_vae(theta: jax.Array) -> VAE:
    return VAE(
        posterior=lambda x: Normal(x + theta[:2], jnp.stack([jnp.asarray(0.8), 1.3 + 0.1 * theta[2]])),
        likelihood=lambda z: Normal(jnp.tanh(z), jnp.asarray(1.0)),
        prior=standard_normal(2),
    )


@pytest.fixture(scope="module")
def values_and_gradients():
    """For each estimator, NUM_SAMPLES values of the ELBO's KL and gradients of the ELBO, with the same keys."""
    x, keys = jnp.array([0.5, 0.1]), jax.random.split(jax.random.key(0), NUM_SAMPLES)

    @jax.jit
    def sweep(keys):
        def one(key, kl, estimator):
            def bound(theta):
                value, metrics = elbo(key, a_vae(theta), x, kl=kl, estimator=estimator)
                return value, metrics["kl"]

            gradient, divergence = jax.grad(bound, has_aux=True)(THETA)
            return divergence, gradient

        return {name: jax.vmap(lambda key, how=how: one(key, *how))(keys) for name, how in ESTIMATORS.items()}

    return jax.tree.map(lambda array: np.asarray(array, float), sweep(keys))


def test_analytic_is_the_divergence():
    x = jnp.array([0.5, 0.1])
    vae = a_vae(THETA)
    expected = kl_divergence(vae.posterior(x), vae.prior)
    for seed in (0, 1):
        one = draw(jax.random.key(seed), vae, x)
        np.testing.assert_array_equal(analytic_kl(one), expected)
        assert analytic_kl_per_dimension(one).shape == (2,)
        np.testing.assert_allclose(analytic_kl_per_dimension(one).sum(), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["sampled", "without score"])
def test_samples_have_the_expectation_of_the_closed_form(values_and_gradients, name):
    """In value and in every gradient component, within 4.5 standard errors of the paired difference."""
    for exact, sampled in zip(values_and_gradients["analytic"], values_and_gradients[name], strict=True):
        difference = sampled - exact
        standard_error = difference.std(axis=0) / np.sqrt(NUM_SAMPLES)
        assert (np.abs(difference.mean(axis=0)) < 4.5 * standard_error).all()
        assert (standard_error > 0).all()
        assert (standard_error < 0.02).all()


def test_sticking_the_landing_changes_the_gradient_not_the_value(values_and_gradients):
    plain, without_score = (values_and_gradients[name] for name in ("sampled", "without score"))
    np.testing.assert_allclose(plain[0], without_score[0], rtol=1e-5, atol=1e-6)
    assert np.abs(plain[1] - without_score[1]).max() > 0.1


def test_sticking_the_landing_drops_exactly_the_score():
    """Its gradient is the sampled one's plus that of log q(z|x) in the posterior's parameters at fixed z."""
    x, key = jnp.array([0.5, 0.1]), jax.random.key(3)

    def gradient(estimator):
        def bound(theta):
            return elbo(key, a_vae(theta), x, kl=sampled_kl, estimator=estimator)[0]

        return jax.jit(jax.grad(bound))(THETA)

    z = jax.lax.stop_gradient(draw(jax.random.split(key, 1)[0], a_vae(THETA), x).z)
    score = jax.jit(jax.grad(lambda theta: a_vae(theta).posterior(x).log_prob(z)))(THETA)
    np.testing.assert_allclose(gradient(pathwise), gradient(sticking_the_landing) - score, rtol=1e-5, atol=1e-6)
    assert np.abs(score).max() > 0.1


POINT = VAE(lambda x: PointMass(x[:2]), lambda z: Normal(jnp.tile(z, 2), jnp.asarray(1.0)), standard_normal(2))


@pytest.mark.parametrize(
    "objective",
    [
        partial(elbo, kl=sampled_kl),
        partial(elbo, kl=sampled_kl, estimator=sticking_the_landing),
        partial(iwae, num_samples=2),
    ],
)
def test_samples_of_a_point_mass_are_refused(objective):
    """An infinite KL must not become a finite number."""
    message = "expected a posterior with a density; got a PointMass, .*; train it with objectives.autoencoder"
    with pytest.raises(TypeError, match=message):
        objective(jax.random.key(0), POINT, jnp.ones(4))


def test_the_closed_form_of_a_point_mass_is_refused():
    with pytest.raises(TypeError, match=r"got PointMass to Normal; .* objectives\.autoencoder"):
        elbo(jax.random.key(0), POINT, jnp.ones(4))


def test_a_point_mass_is_trained_with_autoencoder():
    """−½ ‖x − x̂‖² − ½ d log 2π, whatever the key and the number of samples."""
    x = jnp.array([1.0, 2.0, 0.5, 2.0])
    expected = -0.5 * 0.25 - 2 * np.log(2 * np.pi)
    for seed, num_samples in ((0, 1), (1, 3)):
        value, metrics = autoencoder(jax.random.key(seed), POINT, x, num_samples=num_samples)
        np.testing.assert_allclose([value, metrics["log_likelihood"]], expected, rtol=1e-6)
