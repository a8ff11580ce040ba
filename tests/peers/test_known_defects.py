"""Defects found in other libraries, each beside the right formula: our own objectives must not have them.

The wrong formula is written out, so that every test shows that it separates the two.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.cli.arguments import parse
from vae_jax.data import already_binary
from vae_jax.distributions import Bernoulli, Normal, standard_normal
from vae_jax.evaluation import bound_evaluator
from vae_jax.formulas import importance_weighted_bound
from vae_jax.messages import UsageError
from vae_jax.objectives import elbo, iwae, over_batch, over_draws
from vae_jax.training import trainer
from vae_jax.vae import VAE, Model

NUM_PIXELS, LATENT_SIZE, NUM_SAMPLES = 784, 4, 8
KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
X = RNG.integers(0, 2, size=NUM_PIXELS).astype(np.float32)
DECODER = RNG.normal(size=(NUM_PIXELS, LATENT_SIZE)).astype(np.float32) * 0.05
MODEL = VAE(
    posterior=lambda x: Normal(jnp.full(LATENT_SIZE, 0.8) * x.mean(), jnp.full(LATENT_SIZE, 0.7)),
    likelihood=lambda z: Bernoulli(DECODER @ z),
    prior=standard_normal(LATENT_SIZE),
)


@jax.jit
def log_weights() -> jax.Array:
    """Of the samples that `iwae` takes with KEY."""
    return over_draws(
        KEY,
        MODEL,
        X,
        NUM_SAMPLES,
        lambda draw: draw.likelihood.log_prob(X) + draw.prior.log_prob(draw.z) - draw.log_posterior,
    )


@functools.partial(jax.jit, static_argnums=0)
def samples(num_samples: int) -> jax.Array:
    """The z that an objective takes with KEY."""
    return over_draws(KEY, MODEL, X, num_samples, lambda draw: draw.z)


@jax.jit
def compiled_elbo(beta):
    return elbo(KEY, MODEL, X, beta=beta)


def test_better_samples_weigh_more():
    """PyTorch-VAE's IWAE takes a softmax over positive *losses*, so that the worst sample weighs most.

    The weight of a sample in the bound is its derivative in the sample's log-weight.
    """
    log_weight = log_weights()
    weights = jax.jit(jax.grad(importance_weighted_bound))(log_weight)
    np.testing.assert_allclose(weights, jax.nn.softmax(log_weight), rtol=1e-4)
    assert (np.argsort(weights) == np.argsort(log_weight)).all()

    of_losses = jax.nn.softmax(-log_weight)
    assert (np.argsort(of_losses) == np.argsort(log_weight)[::-1]).all()

    # The gradient that `iwae` hands to a decoder's bias is the mean under the right weights.
    def with_bias(bias):
        return iwae(
            KEY, MODEL._replace(likelihood=lambda z: Bernoulli(DECODER @ z + bias)), X, num_samples=NUM_SAMPLES
        )[0]

    z = np.asarray(samples(NUM_SAMPLES))
    of_samples = (X - jax.nn.sigmoid(z @ DECODER.T)).sum(axis=1)
    gradient = jax.jit(jax.grad(with_bias))(0.0)
    np.testing.assert_allclose(gradient, weights @ of_samples, rtol=1e-3)
    assert abs(of_losses @ of_samples - gradient) > 0.01 * abs(gradient)


def test_the_elbo_sums_over_pixels_and_weighs_the_kl_by_one():
    """PyTorch-VAE's loss is no ELBO: the *mean* error of a pixel plus 0.00025 KL, and a logged KL of the wrong sign."""
    value, metrics = compiled_elbo(1.0)
    z = samples(1)[0]
    logits = np.asarray(DECODER @ z, float)
    log_likelihood = -np.logaddexp(0, np.where(np.asarray(X) == 1, -logits, logits)).sum()
    loc, scale = 0.8 * float(X.mean()), 0.7
    kl = LATENT_SIZE * 0.5 * (scale**2 + loc**2 - 1 - np.log(scale**2))
    np.testing.assert_allclose(metrics["log_likelihood"], log_likelihood, rtol=1e-5)
    np.testing.assert_allclose(metrics["kl"], kl, rtol=1e-5)
    np.testing.assert_allclose(value, log_likelihood - kl, rtol=1e-5)
    assert metrics["kl"] > 0

    per_pixel = log_likelihood / NUM_PIXELS - 0.00025 * kl
    assert abs(per_pixel - value) > 100
    # Not even in proportion: their KL weighs 0.00025 · 784 = 0.196 of ours against the likelihood.
    np.testing.assert_allclose(NUM_PIXELS * per_pixel, compiled_elbo(0.00025 * NUM_PIXELS)[0], rtol=1e-5)
    assert abs(NUM_PIXELS * per_pixel - value) > 0.5 * kl


def test_the_reported_bound_is_the_bound():
    """What pythae logs, Σₖ w̃ₖ log wₖ with normalised w̃, is above log (1/K) Σₖ wₖ by log K − H(w̃): always optimistic."""
    log_weight = np.asarray(log_weights(), float)
    bound = np.log(np.mean(np.exp(log_weight - log_weight.max()))) + log_weight.max()
    value, metrics = jax.jit(lambda: iwae(KEY, MODEL, X, num_samples=NUM_SAMPLES))()
    np.testing.assert_allclose(value, bound, rtol=1e-6)

    normalised = np.exp(log_weight - log_weight.max())
    normalised /= normalised.sum()
    logged = normalised @ log_weight
    entropy = -(normalised * np.log(normalised)).sum()
    np.testing.assert_allclose(logged - bound, np.log(NUM_SAMPLES) - entropy, rtol=1e-6)
    assert logged - bound > 0.1
    assert logged - value > 0.1
    np.testing.assert_allclose(metrics["effective_sample_size"], 1 / np.square(normalised).sum(), rtol=1e-3)


def test_low_precision_is_on_for_a_bernoulli_likelihood():
    """pythae's mixed precision is silently off there: here 8 bits go in, and the sum over pixels has its 24."""
    logits = jnp.asarray(DECODER @ np.ones(LATENT_SIZE), jnp.bfloat16)
    value, gradient = jax.value_and_grad(lambda logits: Bernoulli(logits).log_prob(X))(logits)
    assert (value.dtype, gradient.dtype) == (jnp.float32, jnp.bfloat16)
    exact = -np.logaddexp(0, (1 - 2 * X.astype(float)) * np.asarray(logits, float)).sum()
    np.testing.assert_allclose(value, exact, rtol=1e-6)


def test_an_unknown_likelihood_is_refused_at_once_with_the_nearest_name():
    """pythae goes on with a name that it does not know, and dies in training of an unbound variable."""
    message = r"expected poisson or .* for --likelihood; got 'posson'; did you mean 'poisson'\?"
    with pytest.raises(UsageError, match=message):
        parse(["train", "vae_counts", "--likelihood", "posson"])


def test_a_reported_loss_covers_every_example_once():
    """disentangling-vae's test loss is that of one batch. Here the last, shorter batch counts as well."""
    examples = RNG.integers(0, 2, size=(23, NUM_PIXELS)).astype(np.uint8)
    model = Model(lambda key: (), lambda params: MODEL)
    evaluate = bound_evaluator(model, log_likelihood_at_the_mean, already_binary().apply, batch_size=10)
    each = [evaluate((), examples[i : i + 1])["value"] for i in range(len(examples))]
    np.testing.assert_allclose(evaluate((), examples)["value"], np.mean(each), rtol=1e-7)
    assert abs(np.mean(each[:10]) / np.mean(each) - 1) > 1e-5  # one batch alone would be seen


def log_likelihood_at_the_mean(key, vae, x):
    value = vae.likelihood(vae.posterior(x).mean()).log_prob(x)
    return value, {"log_likelihood": value}


def test_training_and_evaluation_reduce_the_loss_alike():
    """artifex reduces it differently in two places. A step reports the value that the evaluator gives."""
    model = Model(lambda key: jnp.zeros(()), lambda params: MODEL)
    batch = np.stack([X, 1 - X, X])
    ascent = trainer(model, over_batch(log_likelihood_at_the_mean), optax.sgd(0.1))
    _, metrics = jax.jit(ascent.step)(ascent.init(KEY), batch)
    evaluated = bound_evaluator(model, log_likelihood_at_the_mean, already_binary().apply)(jnp.zeros(()), batch)
    np.testing.assert_allclose(metrics["value"], evaluated["value"], rtol=1e-6)
