"""The stratified ELBO of a mixture posterior against quadrature, in one dimension, where everything is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Bernoulli, Mixture, Normal, standard_normal
from vae_jax.objectives import elbo, leave_one_out, sampled_kl, stratified_elbo
from vae_jax.vae import VAE

KEY, X = jax.random.key(0), jnp.array([0.8])
PARAMS = {"logits": jnp.array([0.3, -0.5]), "loc": jnp.array([[1.2], [-0.4]]), "log_scale": jnp.array([[-1.0], [-0.3]])}


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def bind(params):
    q = Mixture(params["logits"], Normal(params["loc"], jnp.exp(params["log_scale"])))
    return VAE(lambda x: q, lambda z: Normal(z**2 - 0.5 * z, jnp.asarray(0.7)), standard_normal(1))


def exact(params, beta=1.0):
    """By the trapezoid rule, of spectral accuracy for an integrand that vanishes at the ends."""
    axis = jnp.linspace(-12, 12, 3_001)[:, None]
    vae = bind(params)
    log_q = jax.vmap(vae.posterior(X).log_prob)(axis)
    log_likelihood = jax.vmap(lambda z: vae.likelihood(z).log_prob(X))(axis)
    kl = log_q - jax.vmap(vae.prior.log_prob)(axis)
    return jnp.sum(jnp.exp(log_q) * (log_likelihood - beta * kl)) * 24 / 3_000


def test_value_and_gradient_are_those_of_the_elbo():
    """In expectation, and in the weights, too; within 4.5 standard errors of 20,000 draws."""

    def value(params, key):
        return stratified_elbo(key, bind(params), X, beta=0.7)[0]

    of = jax.jit(jax.vmap(jax.value_and_grad(value), in_axes=(None, 0)))
    values, gradients = of(PARAMS, jax.random.split(KEY, 20_000))
    expected, gradient = jax.jit(jax.value_and_grad(exact))(PARAMS, 0.7)
    pairs = zip(jax.tree.leaves((values, gradients)), jax.tree.leaves((expected, gradient)), strict=True)
    for draws, truth in pairs:
        error = np.std(draws, axis=0) / np.sqrt(len(draws))
        assert (np.abs(draws.mean(axis=0) - truth) < 4.5 * error).all()
    assert all(np.abs(leaf).max() > 0.01 for leaf in jax.tree.leaves(gradient))


def variance_and_error(values):
    centred = np.asarray(values) - np.mean(values)
    variance = np.mean(centred**2)
    return variance, np.sqrt((np.mean(centred**4) - variance**2) / len(values))


@pytest.mark.long
def test_it_is_less_noisy_than_a_component_at_random_and_with_more_draws_by_their_number():
    """Variances within 4.5 standard errors of 100,000 estimates."""
    options = {"kl": sampled_kl, "estimator": leave_one_out, "num_samples": 2}

    @jax.jit
    @jax.vmap
    def estimates(key):
        one, many = (stratified_elbo(key, bind(PARAMS), X, num_samples=num)[0] for num in (1, 4))
        return one, many, elbo(key, bind(PARAMS), X, **options)[0]

    one, many, at_random = map(variance_and_error, estimates(jax.random.split(KEY, 100_000)))
    assert abs(many[0] - one[0] / 4) < 4.5 * np.hypot(many[1], one[1] / 4)
    assert one[0] < at_random[0] - 4.5 * np.hypot(one[1], at_random[1])


@pytest.mark.long
def test_the_metrics_are_the_terms():
    value, metrics = jax.jit(lambda: stratified_elbo(KEY, bind(PARAMS), X, beta=0.5))()
    np.testing.assert_allclose(value, metrics["log_likelihood"] - 0.5 * metrics["kl"], rtol=1e-6)


@pytest.mark.long
def test_a_component_without_weight_changes_nothing():
    """Its log p(x|z) may be anything."""
    dead = jax.tree.map(lambda leaf: jnp.concatenate([leaf, jnp.full_like(leaf[:1], 5.0)]), PARAMS)
    dead["logits"] = jnp.append(PARAMS["logits"], -jnp.inf)
    value = lambda params: stratified_elbo(KEY, bind(params), X, num_samples=4_000)[0]
    with_it, gradient = jax.jit(jax.value_and_grad(value))(dead)
    np.testing.assert_allclose(with_it, jax.jit(exact)(PARAMS), atol=0.1)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert gradient["loc"][2] == 0


def test_what_it_is_not_for_is_refused():
    plain = VAE(lambda x: standard_normal(1), lambda z: Normal(z, 1.0), standard_normal(1))
    with pytest.raises(
        TypeError, match=r"expected a model with a mixture posterior; got a Normal; use objectives\.elbo"
    ):
        stratified_elbo(KEY, plain, X)
    with pytest.raises(ValueError, match="expected num_samples of at least 1; got 0"):
        stratified_elbo(KEY, bind(PARAMS), X, num_samples=0)

    def of_bits(logits):
        vae = VAE(lambda x: Mixture(jnp.zeros(2), Bernoulli(logits)), lambda z: Normal(z, 1.0), Bernoulli(jnp.zeros(1)))
        return stratified_elbo(KEY, vae, X)[0]

    assert jax.eval_shape(of_bits, jnp.zeros((2, 1))).shape == ()
    with pytest.raises(TypeError, match="expected a posterior whose samples are differentiable; got a Bernoulli"):
        jax.eval_shape(jax.grad(of_bits), jnp.zeros((2, 1)))
