"""What every distribution must do: constructors x laws. A new family enters by one line in `FAMILIES`.

Statistical tests have fixed keys and name their level: a correct implementation would fail with that probability for
another key, a wrong one fails whatever the key.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from vae_jax.distributions import Bernoulli, Normal, PointMass, kl_divergence, standard_normal

LOC = np.array([[-1.5, 0.3]], np.float32)
SCALE = np.array([[0.4, 2.5]], np.float32)
LOGITS = np.array([[-1.2, 0.7, 3.0]], np.float32)
NUM_SAMPLES = 20_000
LEVEL = 1e-4


class Family(NamedTuple):
    """How it is made, and the scipy distribution of its elements."""

    make: Callable[[], Any]
    oracle: Any


FAMILIES = {
    "normal": Family(lambda: Normal(jnp.asarray(LOC), jnp.asarray(SCALE)), stats.norm(LOC, SCALE)),
    "normal, one scale": Family(lambda: Normal(jnp.asarray(LOC), jnp.asarray(0.7)), stats.norm(LOC, 0.7)),
    "normal, one loc": Family(lambda: Normal(jnp.asarray(0.2), jnp.asarray(SCALE)), stats.norm(0.2, SCALE)),
    "standard normal": Family(lambda: standard_normal(2), stats.norm(np.zeros(2), np.ones(2))),
    "bernoulli": Family(lambda: Bernoulli(jnp.asarray(LOGITS)), stats.bernoulli(expit(LOGITS.astype(float)))),
}
# Certain distributions have no density to compare: they obey the laws that do not need one.
CERTAIN = {"point mass": Family(lambda: PointMass(jnp.asarray(LOC)), None)}

# Parameters and values where a careless formula overflows: (distribution, value).
EXTREMES = {
    "normal, tiny scale": lambda: (Normal(jnp.zeros(3), jnp.full(3, 1e-6)), jnp.array([0.0, 1e-6, 1e3])),
    "normal, huge scale": lambda: (Normal(jnp.zeros(3), jnp.full(3, 1e6)), jnp.array([0.0, -1e6, 1e12])),
    "normal, far value": lambda: (Normal(jnp.full(3, 1e8), jnp.ones(3)), jnp.array([0.0, 1e8, -1e8])),
    "bernoulli, certain": lambda: (Bernoulli(jnp.array([1e4, -1e4, 1e4, -1e4])), jnp.array([1.0, 0.0, 0.0, 1.0])),
    "bernoulli, at the border": lambda: (Bernoulli(jnp.array([0.0, 88.0, -88.0, 104.0])), jnp.array([1.0, 0, 1, 0])),
}

families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
all_families = pytest.mark.parametrize("family", (FAMILIES | CERTAIN).values(), ids=(FAMILIES | CERTAIN).keys())
extremes = pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES.keys())


def is_discrete(oracle: Any) -> bool:
    return isinstance(oracle.dist, stats.rv_discrete)


@functools.partial(jax.jit, static_argnames="num_samples")
def draw_many(key: jax.Array, distribution: Any, num_samples: int) -> jax.Array:
    return jax.vmap(distribution.sample)(jax.random.split(key, num_samples))


def draws_of(distribution: Any, num_samples: int = NUM_SAMPLES, seed: int = 0) -> np.ndarray:
    """Samples with a leading axis, in float64 for the statistics."""
    return np.asarray(draw_many(jax.random.key(seed), distribution, num_samples), float)


def everything(distribution: Any, key: jax.Array) -> tuple[jax.Array, ...]:
    """What every method returns."""
    value, log_prob = distribution.sample_and_log_prob(key)
    return value, log_prob, distribution.log_prob(value), distribution.mean(), distribution.sample(key)


compiled_everything = jax.jit(everything)


def to_float64(distribution: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), distribution)


@families
def test_log_prob_is_scipys(family):
    """At its own samples and in the tails; the event's log-probability is the sum."""
    values = family.oracle.rvs(random_state=0, size=(6, *family.oracle.mean().shape))
    if not is_discrete(family.oracle):
        values = np.concatenate([values, 30 * values[:1], -1e3 * values[:1]])
    values = values.astype(np.float32)
    logs = family.oracle.logpmf(values) if is_discrete(family.oracle) else family.oracle.logpdf(values.astype(float))
    expected = logs.reshape(len(values), -1).sum(axis=1)
    np.testing.assert_allclose(jax.jit(jax.vmap(family.make().log_prob))(values), expected, rtol=2e-6)
    with jax.enable_x64(True):
        exact = jax.jit(jax.vmap(to_float64(family.make()).log_prob))(values.astype(float))
        # The oracles of "one scale" and "one loc" hold constants that float32 has rounded already.
        np.testing.assert_allclose(exact, expected, rtol=1e-7)


@families
def test_samples_follow_the_cdf(family):
    """Each element on its own: Kolmogorov-Smirnov, or binomial, at a level of 1e-4 over all elements."""
    draws = draws_of(family.make())
    ranks = family.oracle.cdf(draws).reshape(NUM_SAMPLES, -1)
    draws = draws.reshape(NUM_SAMPLES, -1)
    size = draws.shape[1]
    for index in range(size):
        if is_discrete(family.oracle):
            probability = family.oracle.pmf(1.0).ravel()[index]
            assert set(np.unique(draws[:, index])) == {0.0, 1.0}
            p_value = stats.binomtest(int(draws[:, index].sum()), NUM_SAMPLES, probability).pvalue
        else:
            p_value = stats.kstest(ranks[:, index], stats.uniform.cdf).pvalue
        assert p_value > LEVEL / size


@families
def test_elements_of_a_sample_are_independent(family):
    """A key used twice would pass every one-dimensional test: correlations within 4 standard errors, 1/√n."""
    correlations = np.corrcoef(draws_of(family.make()).reshape(NUM_SAMPLES, -1).T)
    assert np.abs(np.triu(correlations, k=1)).max() < 4 / np.sqrt(NUM_SAMPLES)


@families
def test_total_probability_is_one(family):
    """Summed over all events, or integrated on a grid (the trapezoid rule is exact to rounding for these)."""
    distribution, shape = family.make(), family.oracle.mean().shape
    size = int(np.prod(shape))
    if is_discrete(family.oracle):
        events, cell = np.array(list(itertools.product([0.0, 1.0], repeat=size))), 1.0
    else:
        low, high = family.oracle.ppf(1e-12).ravel(), family.oracle.ppf(1 - 1e-12).ravel()
        axes = [np.linspace(a, b, 100) for a, b in zip(low, high, strict=True)]
        events = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, size)
        cell = np.prod([axis[1] - axis[0] for axis in axes])
    log_probs = jax.jit(jax.vmap(distribution.log_prob))(events.reshape(-1, *shape).astype(np.float32))
    np.testing.assert_allclose(np.exp(np.asarray(log_probs, float)).sum() * cell, 1.0, rtol=1e-5)


@all_families
def test_mean_is_the_average_of_samples(family):
    """Within 4.5 standard errors; a point mass exactly."""
    distribution = family.make()
    draws = draws_of(distribution)
    mean = np.asarray(distribution.mean())
    assert mean.shape == draws.shape[1:]
    if family.oracle is not None:
        np.testing.assert_allclose(mean, family.oracle.mean(), rtol=1e-6)
    standard_error = draws.std(axis=0) / np.sqrt(NUM_SAMPLES)
    assert (np.abs(draws.mean(axis=0) - mean) <= 4.5 * standard_error + 1e-7).all()


@all_families
def test_sample_and_log_prob_is_both(family):
    value, log_prob, log_prob_of_value, _, sample = compiled_everything(family.make(), jax.random.key(3))
    np.testing.assert_array_equal(value, sample)
    np.testing.assert_allclose(log_prob, log_prob_of_value, rtol=1e-6)
    assert log_prob.shape == log_prob_of_value.shape == ()
    assert log_prob.dtype == value.dtype == jnp.float32


@all_families
def test_another_key_gives_another_sample_unless_it_is_certain(family):
    first, second = (draws_of(family.make(), seed=seed) for seed in (0, 1))
    assert np.array_equal(first, second) == (family.oracle is None)


@all_families
def test_jit_equals_eager(family):
    distribution, key = family.make(), jax.random.key(4)
    compiled, eager = compiled_everything(distribution, key), everything(distribution, key)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6), compiled, eager)


@all_families
def test_vmap_equals_a_loop(family):
    """Over distribution, key and value together: there are no batch axes inside."""
    keys = jax.random.split(jax.random.key(5), 3)
    several = [jax.tree.map(lambda leaf, by=by: np.asarray(leaf) + np.float32(by), family.make()) for by in (0, 0.5, 1)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *several)
    batch = jax.jit(jax.vmap(everything))(stacked, keys)
    loop = jax.tree.map(lambda *rows: np.stack(rows), *map(compiled_everything, several, keys))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6), batch, loop)


@all_families
def test_is_a_pytree(family):
    """Rebuilt from its leaves, whatever the leaves are: JAX puts placeholders there."""
    distribution = family.make()
    leaves, structure = jax.tree.flatten(distribution)
    again = jax.tree.unflatten(structure, leaves)
    assert type(again) is type(distribution)
    for leaf, other in zip(leaves, jax.tree.leaves(again), strict=True):
        assert leaf is other
    placeholders = jax.tree.unflatten(structure, [object()] * len(leaves))
    assert jax.tree.structure(placeholders) == structure
    assert jax.tree.structure(jax.jit(lambda argument: argument)(distribution)) == structure


@families
def test_bfloat16_parameters_do_not_lose_the_sum(family):
    """10,000 elements summed in bfloat16 would be wrong in the second digit; the sum is in float32."""
    low = jax.tree.map(
        lambda leaf: jnp.resize(leaf, (10_000,) if leaf.ndim else ()).astype(jnp.bfloat16), family.make()
    )
    log_prob_of = jax.jit(lambda distribution, value: distribution.log_prob(value))
    value, *_ = compiled_everything(low, jax.random.key(6))
    log_prob = log_prob_of(low, value)
    with jax.enable_x64(True):
        exact = log_prob_of(to_float64(low), np.asarray(value, float))
    assert value.dtype == jnp.bfloat16
    assert log_prob.dtype == jnp.float32
    np.testing.assert_allclose(log_prob, exact, rtol=1e-5)


@families
def test_bfloat16_parameters_sample_the_same_distribution(family):
    """Noise drawn in bfloat16 ends at 2.5 standard deviations, and a probability below 2⁻⁸ is lost: round the result.

    A rare event among 200,000 draws (beyond 3.5 standard deviations; a pixel of logit −7): binomial test at 1e-4.
    """
    low = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), family.make())
    if is_discrete(family.oracle):
        low = jax.tree.map(lambda leaf: jnp.full_like(leaf, -7.0), low)
        rare, probability = draws_of(low, 200_000) == 1, expit(-7.0)
    else:
        loc, scale = (
            np.broadcast_to(np.asarray(leaf, float), family.oracle.mean().shape) for leaf in (low.loc, low.scale)
        )
        rare, probability = np.abs(draws_of(low, 200_000) - loc) > 3.5 * scale, 2 * family.oracle.dist.sf(3.5)
    count = int(rare.reshape(200_000, -1)[:, 0].sum())
    assert stats.binomtest(count, 200_000, probability).pvalue > LEVEL


@pytest.mark.parametrize("make", [lambda: Normal(0.0, 1.0), lambda: Normal(0, 1), lambda: Bernoulli(0.0)])
def test_python_numbers_are_float32(make):
    value, log_prob = make().sample_and_log_prob(jax.random.key(0))
    assert jnp.asarray(value).dtype == log_prob.dtype == jnp.float32


@extremes
def test_extremes_are_finite_with_finite_gradients(extreme):
    distribution, value = extreme()
    log_prob, gradient = jax.jit(jax.value_and_grad(lambda d: d.log_prob(value)))(distribution)
    assert np.isfinite(log_prob)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(gradient))
    assert np.isfinite(draws_of(distribution, 2)).all()


@extremes
def test_extremes_have_the_right_value(extreme):
    """In float32, against scipy in float64."""
    distribution, value = extreme()
    leaves = [np.asarray(leaf, float) for leaf in jax.tree.leaves(distribution)]
    value = np.asarray(value, float)
    if isinstance(distribution, Normal):
        expected = stats.norm(*leaves).logpdf(value).sum()
    else:
        expected = -np.logaddexp(0, (1 - 2 * value) * leaves[0]).sum()
    np.testing.assert_allclose(distribution.log_prob(jnp.asarray(value, jnp.float32)), expected, rtol=2e-6)


# Laws of one family


def test_normal_samples_are_differentiable_in_both_parameters():
    """The reparametrisation: dz/dμ = 1 and dz/dσ = ε = (z − μ)/σ."""
    normal, key = FAMILIES["normal"].make(), jax.random.key(7)
    gradient = jax.grad(lambda normal: normal.sample(key).sum())(normal)
    np.testing.assert_array_equal(gradient.loc, np.ones_like(LOC))
    np.testing.assert_allclose(gradient.scale, (normal.sample(key) - LOC) / SCALE, rtol=1e-5)


def test_one_scale_is_the_full_scale():
    """In every method and in the KL, on either side."""
    one, full = Normal(jnp.asarray(LOC), jnp.asarray(0.7)), Normal(jnp.asarray(LOC), jnp.full(LOC.shape, 0.7))
    key, value, other = jax.random.key(8), jnp.asarray(LOC) + 0.3, Normal(jnp.zeros(LOC.shape), jnp.asarray(SCALE))
    np.testing.assert_allclose(one.log_prob(value), full.log_prob(value), rtol=1e-6)
    np.testing.assert_array_equal(one.sample(key), full.sample(key))
    np.testing.assert_array_equal(one.mean(), full.mean())
    np.testing.assert_allclose(kl_divergence(one, other), kl_divergence(full, other), rtol=1e-6)
    np.testing.assert_allclose(kl_divergence(other, one), kl_divergence(other, full), rtol=1e-6)


def test_bernoulli_keeps_the_digits_of_confident_pixels():
    """A sure and right pixel has log p ≈ −exp(−|l|), not zero: 20 − softplus(20) holds no digit of it in float32."""
    logits = jnp.array([20.0, -20.0, 12.0])
    values = jnp.array([1.0, 0.0, 1.0])
    exact = -np.log1p(np.exp(-np.abs(np.asarray(logits, float))))
    np.testing.assert_allclose(jax.vmap(lambda a, b: Bernoulli(a).log_prob(b))(logits, values), exact, rtol=1e-5)


def test_point_mass_is_certain():
    point = CERTAIN["point mass"].make()
    assert point.log_prob(jnp.asarray(LOC)) == 0
    assert point.log_prob(jnp.asarray(LOC).at[0, 1].add(1e-3)) == -jnp.inf
    gradient = jax.grad(lambda point: point.sample(jax.random.key(0)).sum())(point)
    np.testing.assert_array_equal(gradient.value, np.ones_like(LOC))
