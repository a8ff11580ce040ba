"""Discriminators: what they are at their best, and the objectives that stand on them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from vae_jax.distributions import Normal, PointMass, standard_normal
from vae_jax.networks import mlp
from vae_jax.objectives import (
    adversarial_autoencoder,
    factor_vae,
    factor_vae_discriminator,
    permute_codes,
    prior_discriminator,
)
from vae_jax.objectives.of_a_batch.discriminator import telling_apart
from vae_jax.training import adversarial_trainer
from vae_jax.vae import VAE, Model

KEY = jax.random.key(0)
CORRELATION = 0.8


def test_permuting_keeps_the_values_of_each_dimension_and_forgets_what_went_with_what():
    """The correlation of 20,000 permuted codes is within 4.5 standard errors of zero; each row moves by itself."""
    codes = jax.random.normal(KEY, (20_000, 1)) * jnp.array([1.0, 2.0, -1.0])
    permuted = np.asarray(jax.jit(permute_codes)(jax.random.key(1), codes))
    np.testing.assert_array_equal(np.sort(permuted, axis=0), np.sort(codes, axis=0))
    correlations = np.corrcoef(permuted.T)[np.triu_indices(3, 1)]
    assert (np.abs(correlations) < 4.5 / np.sqrt(20_000)).all()
    assert (np.abs(np.corrcoef(codes.T)[np.triu_indices(3, 1)]) > 0.999).all()


def test_telling_apart_is_the_cross_entropy_and_zero_logits_are_worth_minus_log_two():
    first, second = jnp.array([[1.0], [-2.0]]), jnp.array([[-0.5], [300.0]])
    values, metrics = telling_apart(lambda z: z[0], first, second)

    def log_probability(logit):
        return -np.logaddexp(0, -logit)

    expected = [0.5 * (log_probability(1.0) + log_probability(0.5)), 0.5 * (log_probability(-2.0) - 300.0)]
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_array_equal(metrics["accuracy"], [1.0, 0.0])
    values, _ = telling_apart(lambda z: 0.0 * z[0], first, second)
    np.testing.assert_allclose(values, -np.log(2), rtol=1e-6)


def test_the_best_logit_is_the_log_ratio_of_densities():
    """Of N(1, 1) to N(0, 1) that is z − ½: no slope and offset beside it do better on 20,000 codes of each."""
    noise = jax.random.normal(KEY, (2, 20_000, 1))

    @jax.jit
    @jax.grad
    def slope_of_mean(parameters):
        return telling_apart(lambda z: parameters[0] * z[0] + parameters[1], noise[0] + 1, noise[1])[0].mean()

    np.testing.assert_allclose(slope_of_mean(jnp.array([1.0, -0.5])), 0.0, atol=0.01)
    assert np.abs(slope_of_mean(jnp.array([1.5, -0.5]))).max() > 0.03


def certain(x):
    """A VAE whose code is its example: only the discriminator has something to learn."""
    return VAE(PointMass, lambda z: Normal(z, jnp.ones(2)), standard_normal(2))


def trained_logit(objective, discriminator_objective, sampler, num_steps):
    """A discriminator of 2 x 64 units after training on codes of `sampler(key)`; the model stands still."""
    network = mlp((2,), (), (64, 64), "gelu")
    two = adversarial_trainer(
        Model(lambda key: jnp.zeros(()), certain),
        objective,
        optax.set_to_zero(),
        discriminator=network,
        discriminator_objective=discriminator_objective,
        discriminator_optimizer=optax.adam(optax.cosine_decay_schedule(5e-3, num_steps)),
    )

    @jax.jit
    def train(key):
        keys = jax.random.split(key, num_steps)
        state, _ = jax.lax.scan(lambda state, key: (two.step(state, sampler(key))[0], None), two.init(key), keys)
        return state.opt_state.discriminator

    params = train(KEY)
    return jax.jit(jax.vmap(lambda z: network.apply(params, z)))


def test_the_discriminator_of_factor_vae_finds_the_total_correlation():
    """−½ log(1 − ρ²) = 0.511 nats of a Gaussian, within 0.05; the logit itself within 0.15 root mean square of the
    log-ratio of densities. The model's metric is that same mean.
    """
    cholesky = jnp.array([[1.0, 0.0], [CORRELATION, np.sqrt(1 - CORRELATION**2)]])

    def sampler(key, num=512):
        return jax.random.normal(key, (num, 2)) @ cholesky.T

    objective = functools.partial(factor_vae, gamma=1.0, kl=lambda draw: jnp.zeros(()))
    logit = trained_logit(objective, factor_vae_discriminator, sampler, 2_000)
    codes = sampler(jax.random.key(9), 20_000)
    estimates = np.asarray(logit(codes), float)
    exact = -0.5 * np.log(1 - CORRELATION**2)
    z = np.asarray(codes, float)
    quadratic = (z**2).sum(axis=1) - 2 * CORRELATION * z.prod(axis=1)
    log_ratio = exact - 0.5 * quadratic / (1 - CORRELATION**2) + 0.5 * (z**2).sum(axis=1)
    assert abs(estimates.mean() - exact) < 0.05
    assert np.sqrt(np.mean((estimates - log_ratio) ** 2)) < 0.15

    _, metrics = objective(KEY, certain(None), lambda z: logit(z[None])[0], codes[:200], 0)
    np.testing.assert_allclose(metrics["total_correlation"], estimates[:200], rtol=1e-4, atol=1e-5)


def test_the_discriminator_of_codes_that_are_the_prior_is_at_a_loss():
    """After training, its value is −log 2 within 0.01 on fresh codes, and so is what the model is rewarded by."""

    def sampler(key, num=512):
        return jax.random.normal(key, (num, 2))

    objective = functools.partial(adversarial_autoencoder, weight=1.0)
    logit = trained_logit(objective, prior_discriminator, sampler, 500)
    codes = sampler(jax.random.key(9), 20_000)
    values, _ = telling_apart(lambda z: z, logit(codes[:10_000]), logit(codes[10_000:]))
    assert abs(float(values.mean()) + np.log(2)) < 0.01
    _, metrics = objective(KEY, certain(None), lambda z: logit(z[None])[0], codes[:2_000], 0)
    assert abs(float(metrics["passes_for_prior"].mean()) + np.log(2)) < 0.02


def test_both_players_see_the_same_codes():
    """With noise: the first numbers z of the codes that the model's part sees give the value of the other's.

    A permutation keeps the sum over the batch; and beside a prior that is certain of zero, only the codes are left.
    """
    vae = VAE(lambda x: Normal(x, jnp.ones(2)), lambda z: Normal(z, jnp.ones(2)), standard_normal(2))
    at_zero, batch = vae._replace(prior=PointMass(jnp.zeros(2))), jax.random.normal(KEY, (5, 2))

    def first(z):
        return z[0]

    @jax.jit
    def parts():
        return (
            factor_vae(KEY, vae, first, batch, 0, gamma=1.0)[1]["total_correlation"],
            factor_vae_discriminator(KEY, vae, first, batch, 0)[0],
            adversarial_autoencoder(KEY, vae, first, batch, 0, weight=1.0)[1]["passes_for_prior"],
            prior_discriminator(KEY, at_zero, first, batch, 0)[0],
        )

    z, of_permuted, passes, beside_zero = (np.asarray(part, float) for part in parts())
    np.testing.assert_allclose(of_permuted.sum(), -0.5 * (np.logaddexp(0, -z) + np.logaddexp(0, z)).sum(), rtol=1e-5)
    z = -np.log(np.expm1(-passes))
    np.testing.assert_allclose(beside_zero, -0.5 * (np.log(2) + np.logaddexp(0, z)), rtol=1e-5)
