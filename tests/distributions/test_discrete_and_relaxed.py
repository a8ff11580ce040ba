"""Discrete distributions by enumeration, and what relaxes them as the temperature falls."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

from vae_jax.distributions import (
    Bernoulli,
    BinaryConcrete,
    Categorical,
    Concrete,
    Normal,
    StraightThrough,
    enumerate_states,
)

NUM_SAMPLES = 50_000
LEVEL = 1e-4
LOGITS = np.array([[0.5, -1.0, 0.2], [2.0, 0.0, -1.0]], np.float32)


@jax.jit
def draws_of(key, distribution):
    return jax.vmap(distribution.sample)(jax.random.split(key, NUM_SAMPLES))


def reward(event):
    """Of all categories together: no sum over them."""
    return jnp.prod(event @ jnp.array([1.0, -2.0, 0.5])) + jnp.square(event).sum()


def test_enumeration_lists_every_state_once_with_its_probability():
    states, log_probs = enumerate_states(Categorical(jnp.asarray(LOGITS)))
    expected = np.array([np.eye(3)[list(pair)] for pair in itertools.product(range(3), repeat=2)])
    np.testing.assert_array_equal(states, expected)
    probabilities = special.softmax(LOGITS.astype(float), axis=1)
    np.testing.assert_allclose(np.exp(log_probs), np.outer(*probabilities).ravel(), rtol=1e-6)
    states, log_probs = jax.jit(enumerate_states)(Bernoulli(jnp.array([[0.3, -2.0], [1.0, 0.0]])))
    assert states.shape == (16, 2, 2)
    np.testing.assert_array_equal(np.unique(states.reshape(16, 4), axis=0), states.reshape(16, 4))
    np.testing.assert_allclose(np.exp(log_probs).sum(), 1, rtol=1e-6)


def test_enumeration_is_the_average_of_samples_and_has_a_gradient():
    categorical = Categorical(jnp.asarray(LOGITS))

    def exact(logits):
        states, log_probs = enumerate_states(Categorical(logits))
        return jnp.exp(log_probs) @ jax.vmap(reward)(states)

    rewards = np.asarray(jax.vmap(reward)(draws_of(jax.random.key(0), categorical)), float)
    assert abs(rewards.mean() - exact(categorical.logits)) < 4.5 * rewards.std() / np.sqrt(NUM_SAMPLES)
    gradient = jax.grad(exact)(categorical.logits)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-6)
    with jax.enable_x64(True):
        step = np.zeros(LOGITS.shape)
        step[1, 0] = 1e-6
        logits = LOGITS.astype(float)
        slope = (exact(jnp.asarray(logits + step)) - exact(jnp.asarray(logits - step))) / 2e-6
    np.testing.assert_allclose(gradient[1, 0], slope, rtol=1e-4)


def test_enumeration_refuses_what_is_too_much_or_no_list():
    message = r"expected at most 65536 states to enumerate; got 2\^17; use fewer variables, raise max_num_states, or"
    with pytest.raises(ValueError, match=message):
        enumerate_states(Bernoulli(jnp.zeros(17)))
    with pytest.raises(ValueError, match=r"expected at most 8 states to enumerate; got 3\^2"):
        enumerate_states(Categorical(jnp.zeros((2, 3))), max_num_states=8)
    with pytest.raises(TypeError, match="expected a Bernoulli or a Categorical; got Normal, whose states cannot be"):
        enumerate_states(Normal(jnp.zeros(2), jnp.ones(2)))


@pytest.mark.parametrize("temperature", [0.05, 2.0])
def test_the_largest_entry_is_a_categorical_draw_at_any_temperature(temperature):
    """Chi-square over all pairs of categories at a level of 1e-4; the straight-through draw is that very one."""
    concrete = Concrete(jnp.asarray(LOGITS), jnp.asarray(temperature))
    key = jax.random.key(1)
    hard = np.asarray(concrete.nearest(draws_of(key, concrete)))
    np.testing.assert_array_equal(hard, draws_of(key, StraightThrough(concrete)))
    states = hard.argmax(axis=-1) @ np.array([3, 1])
    expected = np.exp(enumerate_states(concrete.discrete())[1]).astype(float)
    counts = np.bincount(states, minlength=9)
    assert stats.chisquare(counts, NUM_SAMPLES * expected / expected.sum()).pvalue > LEVEL


def test_a_cold_expectation_is_the_enumerated_one():
    """E f(x) nears Σ p f as τ falls, in value and in gradient: within 4.5 standard errors and a bias of order τ."""

    def of_sample(logits, key, temperature):
        return reward(Concrete(logits, temperature).sample(key))

    def exact(logits):
        states, log_probs = enumerate_states(Categorical(logits))
        return jnp.exp(log_probs) @ jax.vmap(reward)(states)

    value, gradient = jax.value_and_grad(exact)(jnp.asarray(LOGITS))
    keys = jax.random.split(jax.random.key(2), NUM_SAMPLES)
    sampled = jax.jit(jax.vmap(jax.value_and_grad(of_sample), in_axes=(None, 0, None)))
    for temperature in (1.0, 0.3, 0.1, 0.03):
        values, gradients = sampled(jnp.asarray(LOGITS), keys, temperature)
        assert abs(values.mean() - value) < temperature + 4.5 * values.std() / np.sqrt(NUM_SAMPLES)
        standard_error = np.asarray(gradients, float).std(axis=0) / np.sqrt(NUM_SAMPLES)
        assert (np.abs(gradients.mean(axis=0) - gradient) < 0.25 * temperature + 4.5 * standard_error).all()
    assert abs(values.mean() - value) < 0.03 < 0.1 * abs(value), "the test would not see a wrong limit"
    np.testing.assert_allclose(
        Concrete(jnp.asarray(LOGITS), 1e-3).mean(), special.softmax(LOGITS, axis=1), rtol=1e-4, atol=1e-5
    )


def test_straight_through_samples_are_whole_and_move_as_the_relaxation():
    concrete, key = Concrete(jnp.asarray(LOGITS), jnp.asarray(0.5)), jax.random.key(3)
    binary = BinaryConcrete(jnp.asarray(LOGITS[0]), jnp.asarray(0.5))
    for relaxed in (concrete, binary):
        hard = jax.grad(lambda relaxed: (StraightThrough(relaxed).sample(key) * jnp.arange(3.0)).sum())(relaxed)
        soft = jax.grad(lambda relaxed: (relaxed.sample(key) * jnp.arange(3.0)).sum())(relaxed)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), hard, soft)
        assert np.abs(hard.logits).max() > 0
        assert set(np.unique(draws_of(key, StraightThrough(relaxed)))) == {0.0, 1.0}
        value = StraightThrough(relaxed).sample(key)
        assert StraightThrough(relaxed).log_prob(value) == relaxed.discrete().log_prob(value)
        np.testing.assert_array_equal(StraightThrough(relaxed).mean(), relaxed.discrete().mean())


@pytest.mark.parametrize("temperature", [0.01, 0.4, 1.0, 3.0])
def test_binary_concrete_mean_is_quadrature(temperature):
    """And that of two categories is the same: E s((l + L)/τ), by scipy over uniform quantiles."""
    logits = np.array([-3.0, 0.4, 6.0])
    exact = [
        integrate.quad(
            lambda noise, logit=logit: special.expit((logit + noise) / temperature) * stats.logistic.pdf(noise),
            -40, 40, points=[-logit], epsabs=1e-10, limit=500,
        )[0]
        for logit in logits
    ]  # fmt: skip
    binary = BinaryConcrete(jnp.asarray(logits, jnp.float32), jnp.asarray(temperature)).mean()
    np.testing.assert_allclose(binary, exact, rtol=1e-5, atol=2e-6)
    pairs = jnp.stack([jnp.asarray(logits, jnp.float32), jnp.zeros(3)], axis=-1)
    np.testing.assert_allclose(Concrete(pairs, jnp.asarray(temperature)).mean()[:, 0], exact, rtol=1e-4, atol=1e-5)


def test_binary_concrete_samples_follow_their_distribution_function():
    """P(x < t) = s(τ logit t − l): Kolmogorov-Smirnov at a level of 1e-4."""
    logits, temperature = np.array([0.4, -1.5], np.float32), 0.7
    draws = np.asarray(
        draws_of(jax.random.key(4), BinaryConcrete(jnp.asarray(logits), jnp.asarray(temperature))), float
    )
    for column, logit in zip(draws.T, logits, strict=True):
        cdf = functools.partial(lambda logit, t: special.expit(temperature * special.logit(t) - logit), logit)
        assert stats.kstest(column, cdf).pvalue > LEVEL / 2
