"""A constraint with a learned multiplier, written out by hand, and trained to its optimum in closed form."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.distributions import Normal, standard_normal
from vae_jax.objectives import elbo, geco, iwae, over_batch, sampled_kl
from vae_jax.objectives.bounds.geco import GecoState
from vae_jax.training import trainer
from vae_jax.vae import VAE, Model

KEY = jax.random.key(0)
BATCH = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)


def bind(params) -> VAE:
    return VAE(
        lambda x: Normal(params["encoder"] * x, jnp.exp(params["log_scale"])),
        lambda z: Normal(z, jnp.asarray(0.5)),
        standard_normal(2),
    )


PARAMS = {"encoder": jnp.asarray(0.4), "log_scale": jnp.full(2, -0.5)}


def applied(objective, key, state):
    """Values and metrics at a state, and the state after them."""
    values, metrics, seen = objective.apply(key, bind(PARAMS), BATCH, 0, state)
    return values, metrics, objective.after(state, seen)


def test_values_and_state_are_the_algorithms():
    """λ (log p(x|z) − τ) − KL, and log λ after it, by hand over three steps."""
    objective = geco(-1.0, rate=0.3, decay=0.8, multiplier=2.0, bound=partial(elbo, num_samples=3))
    plain = jax.jit(
        lambda key: over_batch(lambda key, vae, x: elbo(key, vae, x, num_samples=3))(key, bind(PARAMS), BATCH, 0)
    )
    apply = jax.jit(lambda key, state: applied(objective, key, state))
    state, multiplier, violations = objective.init(), 2.0, []
    for key in jax.random.split(KEY, 3):
        values, metrics, state = apply(key, state)
        _, terms = plain(key)
        np.testing.assert_allclose(values, multiplier * (terms["log_likelihood"] + 1.0) - terms["kl"], rtol=1e-4)
        np.testing.assert_allclose(metrics["log_likelihood"], terms["log_likelihood"], rtol=1e-5)
        np.testing.assert_allclose(metrics["kl"], terms["kl"], rtol=1e-5)
        np.testing.assert_allclose(metrics["multiplier"], np.full(6, multiplier), rtol=1e-5)
        violations.append(-1.0 - float(terms["log_likelihood"].mean()))
        weights = 0.8 ** np.arange(len(violations))[::-1]
        average = weights @ violations / weights.sum()
        np.testing.assert_allclose(metrics["violation"], -1.0 - terms["log_likelihood"], rtol=1e-4)
        multiplier *= np.exp(0.3 * average)
        np.testing.assert_allclose(np.exp(state.log_multiplier), multiplier, rtol=1e-4)


def test_training_reaches_the_target_with_the_least_kl():
    """q(z|x) = N(a x, s²) and p(x|z) = N(z, ½²): the distortion is to be D = E‖x − z‖² = 0.8 on a fixed batch.

    At the optimum the multiplier weighs both gradients: with r = λ/½², a = r/(1 + r), s² = 1/(1 + r), and
    D = (1 − a)² m + 2 s² for m the mean of ‖x‖²: a quadratic in a = 1 − s² by hand.
    """
    second_moment = float(np.square(BATCH).sum(axis=1).mean())
    # With u = 1 − a = s²: u² m + 2 u = D.
    u = (-1 + np.sqrt(1 + second_moment * 0.8)) / second_moment
    target = -0.8 / (2 * 0.5**2) - np.log(2 * np.pi * 0.5**2)

    ascent = trainer(
        Model(lambda key: PARAMS, bind),
        geco(target, rate=0.02, decay=0.5, bound=partial(elbo, num_samples=200)),
        optax.adam(1e-2),
    )

    @jax.jit
    def train(key):
        return jax.lax.scan(lambda state, _: ascent.step(state, BATCH), ascent.init(key), length=2_000)

    state, metrics = train(KEY)
    np.testing.assert_allclose(metrics["log_likelihood"][-500:].mean(), target, atol=0.02)
    np.testing.assert_allclose(state.params["encoder"], 1 - u, rtol=0.02)
    np.testing.assert_allclose(np.exp(2 * state.params["log_scale"]), u, rtol=0.05)
    np.testing.assert_allclose(np.exp(state.objective_state.log_multiplier), (1 / u - 1) * 0.5**2, rtol=0.05)


def test_a_target_out_of_reach_does_not_overflow():
    objective = geco(1e6, rate=10.0, largest_multiplier=100.0)
    state = objective.init()
    apply = jax.jit(lambda state: applied(objective, KEY, state))
    for _ in range(3):
        values, _, state = apply(state)
        assert np.isfinite(values).all()
    np.testing.assert_allclose(np.exp(state.log_multiplier), 100.0, rtol=1e-5)


def test_every_number_may_be_a_tracer():
    def next_state(target, rate, decay, multiplier, largest):
        objective = geco(target, rate=rate, decay=decay, multiplier=multiplier, largest_multiplier=largest)
        return applied(objective, KEY, objective.init())

    lanes = ([-1.0, -2.0], [0.1, 0.5], [0.9, 0.0], [1.0, 3.0], [10.0, 1e4])
    together = jax.jit(jax.vmap(next_state))(*map(jnp.asarray, lanes))
    for lane, numbers in enumerate(zip(*lanes, strict=True)):
        alone = next_state(*numbers)
        jax.tree.map(lambda a, b, lane=lane: np.testing.assert_allclose(a[lane], b, rtol=1e-5), together, alone)


def test_the_bound_may_be_any_with_a_weight_of_its_kl():
    objective = geco(-1.0, bound=partial(elbo, kl=sampled_kl, num_samples=2))
    _, metrics, state = applied(objective, KEY, objective.init())
    assert set(metrics) == {"log_likelihood", "kl", "multiplier", "violation"}
    assert isinstance(state, GecoState)
    with pytest.raises(TypeError, match=r"expected schedules for options of iwae .*; got 'beta'"):
        geco(-1.0, bound=iwae).apply(KEY, bind(PARAMS), BATCH, 0, state)
