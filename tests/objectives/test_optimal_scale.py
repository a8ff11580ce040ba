"""The σ-VAE: the noise that is best for a batch, and the model's own that follows it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Bernoulli, Normal, standard_normal
from vae_jax.objectives import elbo, over_batch, over_batch_with_optimal_scale
from vae_jax.vae import VAE

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
BATCH = RNG.normal(size=(6, 5)).astype(np.float32)
PARAMS = {
    "encoder": jnp.asarray(RNG.normal(size=(2, 5)), jnp.float32) / 3,
    "decoder": jnp.asarray(RNG.normal(size=(5, 2)), jnp.float32),
    "log_scale": jnp.log(0.3),
}


def bind(params):
    return VAE(
        lambda x: Normal(params["encoder"] @ x, jnp.full(2, 0.5)),
        lambda z: Normal(params["decoder"] @ z, jnp.exp(params["log_scale"])),
        standard_normal(2),
    )


def mean_value(params, *, objective):
    values, metrics = objective(KEY, bind(params), BATCH, 0)
    return values.mean(), metrics


@pytest.fixture(scope="module")
def optimal():
    objective = over_batch_with_optimal_scale(elbo)
    return jax.jit(jax.value_and_grad(lambda params: mean_value(params, objective=objective), has_aux=True))(PARAMS)


def test_the_value_is_the_closed_form(optimal):
    """−(d/2) log 2πe σ*² − KL, a mean over the batch, with σ*² the mean squared error of the very z that are drawn."""

    @jax.jit
    def closed_form(params):
        _, metrics = over_batch(elbo)(KEY, bind(params), BATCH, 0)
        # log N(x; μ, s) is linear in the squared error: what it is at the own scale gives the error.
        own = jnp.exp(params["log_scale"])
        squared_error = -2 * own**2 * (metrics["log_likelihood"] + 5 * jnp.log(own) + 2.5 * jnp.log(2 * jnp.pi))
        variance = squared_error.mean() / 5
        return -2.5 * (jnp.log(2 * jnp.pi * variance) + 1) - metrics["kl"].mean(), jnp.sqrt(variance)

    (value, metrics), gradient = optimal
    (expected, scale), expected_gradient = jax.jit(jax.value_and_grad(closed_form, has_aux=True))(PARAMS)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(metrics["optimal_scale"], np.full(6, scale), rtol=1e-5)
    # Holding σ* loses nothing of the gradient, since the value has its maximum there.
    for name in ("encoder", "decoder"):
        np.testing.assert_allclose(gradient[name], expected_gradient[name], rtol=1e-4, atol=1e-5)


def test_no_scale_does_better_on_the_batch(optimal):
    (value, metrics), _ = optimal
    best = jnp.log(metrics["optimal_scale"][0])
    of = jax.jit(lambda log_scale: mean_value(PARAMS | {"log_scale": log_scale}, objective=over_batch(elbo))[0])
    np.testing.assert_allclose(of(best), value, rtol=1e-5)
    assert of(best + 0.1) < value
    assert of(best - 0.1) < value


def test_the_model_s_own_scale_is_drawn_to_the_optimal_one_and_moves_nothing_else(optimal):
    """Its gradient is d ((σ*/σ)² − 1): zero where the two agree."""
    (_, metrics), gradient = optimal
    ratio = metrics["optimal_scale"][0] / 0.3
    np.testing.assert_allclose(gradient["log_scale"], 5 * (ratio**2 - 1), rtol=1e-4)


@pytest.mark.parametrize(
    ("likelihood", "got"),
    [
        (lambda z: Bernoulli(jnp.tile(z, 3)[:5]), "Bernoulli"),
        (lambda z: Normal(jnp.zeros(5), jnp.ones(5)), r"Normal with scales of shape \(5,\)"),
    ],
)
def test_another_likelihood_is_refused(likelihood, got):
    vae = bind(PARAMS)._replace(likelihood=likelihood)
    message = f"expected a Normal likelihood with one scale for all of x, .*; got {got}; use likelihoods.gaussian_with"
    with pytest.raises(TypeError, match=message):
        over_batch_with_optimal_scale(elbo)(KEY, vae, BATCH, 0)
