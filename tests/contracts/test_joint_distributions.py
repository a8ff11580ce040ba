"""What every distribution must do whose elements depend on each other: constructors x laws.

A new family enters by one line in `FAMILIES`: how its parameters make it, and a rule (nodes, weights) that integrates
over its events. The rule is the second opinion: samples, mean and gradients are held against integrals of the density,
and the density against a formula of numpy or scipy. Statistical tests have fixed keys and name their level.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from tables import named_long_but

from vae_jax.distributions import (
    BinaryConcrete,
    Categorical,
    Concrete,
    ExpConcrete,
    LogisticNormal,
    LogitBinaryConcrete,
    LowRankNormal,
    Mixture,
    MultivariateNormal,
    Normal,
    Product,
    SphericalUniform,
    Stacked,
    StraightThrough,
    VonMisesFisher,
)

NUM_SAMPLES = 20_000
TRIL = np.array([[0.8, 0.0], [-0.5, 0.6]])
FACTOR = np.array([[1.2], [-0.7]])
LOGITS = np.array([0.5, -1.0, 0.2])


def grid(low: float, high: float, num: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The trapezoid rule on a cube, of spectral accuracy for densities that vanish at the ends."""
    axis = np.linspace(low, high, num)
    nodes = np.stack(np.meshgrid(*[axis] * size, indexing="ij"), axis=-1).reshape(-1, size)
    return nodes, np.full(len(nodes), (axis[1] - axis[0]) ** size)


def triangle(logs: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Points of three entries that add up to one, from a grid of log-ratios."""
    ratios, cells = grid(-36, 36, 180, 2)
    log_points = special.log_softmax(np.pad(ratios, ((0, 0), (0, 1))), axis=1)
    return (log_points, cells) if logs else (np.exp(log_points), cells * np.exp(log_points.sum(axis=1)))


def between_0_and_1() -> tuple[np.ndarray, np.ndarray]:
    logits, cells = grid(-30, 30, 200, 2)
    points = special.expit(logits)
    return points, cells * (points * special.expit(-logits)).prod(axis=1)


def sphere(size: int, num: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Angles: the trapezoid rule around the last circle, Gauss-Legendre along every other one."""
    turns = np.arange(num) * 2 * np.pi / num
    points, weights = np.stack([np.cos(turns), np.sin(turns)], axis=1), np.full(num, 2 * np.pi / num)
    roots, root_weights = np.polynomial.legendre.leggauss(num)
    angles, angle_weights = (roots + 1) * np.pi / 2, root_weights * np.pi / 2
    for dimension in range(3, size + 1):
        first = np.repeat(np.cos(angles), len(points))[:, None]
        points = np.hstack([first, np.kron(np.sin(angles)[:, None], points)])
        weights = np.kron(angle_weights * np.sin(angles) ** (dimension - 2), weights)
    return points, weights


def one_hot(num_variables: int, num_categories: int) -> tuple[np.ndarray, np.ndarray]:
    events = np.array(
        [
            np.eye(num_categories)[list(states)]
            for states in itertools.product(range(num_categories), repeat=num_variables)
        ]
    )
    return events, np.ones(len(events))


def normal_and_kind() -> tuple[Any, np.ndarray]:
    line, cells = grid(-9, 9, 60, 1)
    return {"kind": np.repeat(np.eye(2), 60, axis=0), "style": np.tile(line, (2, 1))}, np.tile(cells, 2)


def unit(vector: Any) -> Any:
    return vector / jnp.linalg.norm(vector)


def mixture_log_prob(logits, loc, scale, values):
    parts = stats.norm(loc, scale).logpdf(values[:, None]).sum(axis=-1)
    return special.logsumexp(special.log_softmax(logits) + parts, axis=1)


def von_mises_fisher_log_prob(loc, concentration, values):
    return stats.vonmises_fisher(loc / np.linalg.norm(loc), float(concentration)).logpdf(values)


def concrete_log_prob(logits, temperature, values):
    """Definition 1 of Maddison et al. 2017, as it stands there."""
    odds, size = np.exp(logits), len(logits)
    numerator = special.gamma(size) * temperature ** (size - 1) * (odds * values ** (-temperature - 1)).prod(axis=1)
    return np.log(numerator / (odds * values**-temperature).sum(axis=1) ** size)


def exp_concrete_log_prob(logits, temperature, values):
    return concrete_log_prob(logits, temperature, np.exp(values)) + values.sum(axis=1)


def binary_concrete_log_prob(logits, temperature, values):
    """Appendix B of Maddison et al. 2017, as it stands there."""
    odds = np.exp(logits)
    top = temperature * odds * values ** (-temperature - 1) * (1 - values) ** (-temperature - 1)
    bottom = (odds * values**-temperature + (1 - values) ** -temperature) ** 2
    return np.log(top / bottom).sum(axis=1)


def logistic_normal_log_prob(loc, scale, values):
    ratios = np.log(values[:, :-1] / values[:, -1:])
    return stats.norm(loc, scale).logpdf(ratios).sum(axis=1) - np.log(values).sum(axis=1)


class Family(NamedTuple):
    """How it is made, what numpy says its log-density is, and how to integrate over its events."""

    make: Callable[..., Any]
    params: tuple[np.ndarray, ...]
    log_prob: Callable[..., np.ndarray]
    rule: Callable[[], tuple[Any, np.ndarray]]

    def made(self, dtype: Any = jnp.float32) -> Any:
        return self.make(*(jnp.asarray(leaf, dtype) for leaf in self.params))


MULTIVARIATE = Family(
    MultivariateNormal,
    (np.array([0.3, -1.0]), TRIL),
    lambda loc, tril, values: stats.multivariate_normal(loc, tril @ tril.T).logpdf(values),
    lambda: grid(-9, 9, 120, 2),
)
FAMILIES = {
    "multivariate normal": MULTIVARIATE,
    "low-rank normal": Family(
        LowRankNormal,
        (np.array([0.3, -1.0]), FACTOR, np.array([0.4, 0.9])),
        lambda loc, factor, scale, values: stats.multivariate_normal(loc, factor @ factor.T + np.diag(scale**2)).logpdf(
            values
        ),
        lambda: grid(-11, 11, 140, 2),
    ),
    "stacked normals": Family(
        lambda loc, scale: Stacked(Normal(loc, scale)),
        (np.array([[0.3], [-1.0]]), np.array([[0.4], [1.3]])),
        lambda loc, scale, values: stats.norm(loc, scale).logpdf(values).sum(axis=(1, 2)),
        lambda: (lambda nodes, weights: (nodes[:, :, None], weights))(*grid(-11, 11, 140, 2)),
    ),
    "mixture of normals": Family(
        lambda logits, loc, scale: Mixture(logits, Normal(loc, scale)),
        (LOGITS, np.array([[0.0, 1.0], [3.0, -2.0], [-1.0, 0.0]]), np.array([[1.0, 0.5], [0.7, 0.7], [0.4, 1.3]])),
        mixture_log_prob,
        lambda: grid(-9, 9, 140, 2),
    ),
    "categorical": Family(
        Categorical,
        (np.array([[0.5, -1.0, 0.2], [3.0, 0.0, -1.0]]),),
        lambda logits, values: (values * special.log_softmax(logits, axis=-1)).sum(axis=(1, 2)),
        lambda: one_hot(2, 3),
    ),
    "straight-through": Family(
        lambda logits: StraightThrough(Concrete(logits, 0.5)),
        (np.array([[0.5, -1.0, 0.2], [3.0, 0.0, -1.0]]),),
        lambda logits, values: (values * special.log_softmax(logits, axis=-1)).sum(axis=(1, 2)),
        lambda: one_hot(2, 3),
    ),
    "concrete": Family(Concrete, (LOGITS, np.array(0.8)), concrete_log_prob, triangle),
    "exp-concrete": Family(
        ExpConcrete, (LOGITS, np.array(0.7)), exp_concrete_log_prob, functools.partial(triangle, logs=True)
    ),
    "binary concrete": Family(
        BinaryConcrete, (np.array([0.4, -1.5]), np.array(0.9)), binary_concrete_log_prob, between_0_and_1
    ),
    "logit of binary concrete": Family(
        LogitBinaryConcrete,
        (np.array([0.4, -1.5]), np.array(0.9)),
        lambda logits, temperature, values: (
            stats.logistic(logits / temperature, 1 / temperature).logpdf(values).sum(axis=1)
        ),
        lambda: grid(-40, 40, 240, 2),
    ),
    "logistic-normal": Family(
        LogisticNormal, (np.array([0.5, -1.0]), np.array([0.7, 1.4])), logistic_normal_log_prob, triangle
    ),
    "von mises-fisher": Family(
        lambda loc, concentration: VonMisesFisher(unit(loc), concentration),
        (np.array([0.6, -0.8, 1.0]), np.array(5.0)),
        von_mises_fisher_log_prob,
        lambda: sphere(3),
    ),
    "uniform on the sphere": Family(
        lambda: SphericalUniform(3), (), lambda values: np.full(len(values), -np.log(4 * np.pi)), lambda: sphere(3)
    ),
    "product": Family(
        lambda logits, loc: Product({"kind": Categorical(logits), "style": Normal(loc, jnp.asarray(0.7, loc.dtype))}),
        (np.array([0.5, -1.0]), np.array([0.4])),
        lambda logits, loc, values: (
            (values["kind"] * special.log_softmax(logits)).sum(axis=1)
            + stats.norm(loc, 0.7).logpdf(values["style"]).sum(axis=1)
        ),
        normal_and_kind,
    ),
}
# Other corners of the same code: for the laws of numbers, not for those of form.
VARIANTS = {
    "von mises-fisher on a circle": Family(
        lambda loc, concentration: VonMisesFisher(unit(loc), concentration),
        (np.array([0.6, -0.8]), np.array(3.0)),
        von_mises_fisher_log_prob,
        lambda: sphere(2),
    ),
    "von mises-fisher, nearly uniform": Family(
        lambda loc, concentration: VonMisesFisher(unit(loc), concentration),
        (np.array([-0.6, -0.8, 1.0, 0.3]), np.array(0.2)),
        von_mises_fisher_log_prob,
        lambda: sphere(4, 24),
    ),
}
families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
# JAX promises it of any function: a few show that none asks for what is not there under a trace.
some_families = pytest.mark.parametrize(
    "family", named_long_but(FAMILIES, "mixture of normals", "von mises-fisher", "product")
)
variants = pytest.mark.parametrize("family", (FAMILIES | VARIANTS).values(), ids=(FAMILIES | VARIANTS).keys())
with_parameters = pytest.mark.parametrize(
    "family",
    [family for family in (FAMILIES | VARIANTS).values() if family.params],
    ids=[name for name, family in (FAMILIES | VARIANTS).items() if family.params],
)


def rows_of(events: Any) -> Any:
    """Events of any kind as rows of numbers."""
    leaves = jax.tree.leaves(events)
    return jnp.concatenate([jnp.reshape(leaf, (len(leaf), -1)) for leaf in leaves], axis=1)


def features(events: Any) -> Any:
    """Twenty bounded functions of an event that tell distributions apart: random waves."""
    rows = rows_of(events)
    rng = np.random.default_rng(0)
    waves = jnp.asarray(rng.normal(size=(rows.shape[1], 20)) * 0.8, rows.dtype)
    return jnp.cos(rows @ waves + jnp.asarray(rng.uniform(0, 2 * np.pi, 20), rows.dtype))


@jax.jit
def draw_many(key: jax.Array, distribution: Any) -> Any:
    return jax.vmap(distribution.sample)(jax.random.split(key, NUM_SAMPLES))


def everything(distribution: Any, key: jax.Array) -> Any:
    value, log_prob = distribution.sample_and_log_prob(key)
    return value, log_prob, distribution.log_prob(value), distribution.mean()


compiled_everything = jax.jit(everything)


def as_float64(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


@variants
def test_log_prob_is_the_formula_and_integrates_to_one_and_to_the_mean(family):
    """In float64 over all events; in float32 at samples."""
    nodes, weights = family.rule()
    with jax.enable_x64(True):
        distribution = family.made(jnp.float64)
        log_probs = np.asarray(jax.jit(jax.vmap(distribution.log_prob))(nodes))
        mass = np.exp(log_probs) * weights
        np.testing.assert_allclose(mass.sum(), 1.0, rtol=2e-6)
        assert_rows_equal(distribution.mean(), mass @ rows_of(nodes), atol=2e-5)
        likely = mass > 1e-9 * mass.max()
        expected = family.log_prob(*family.params, jax.tree.map(lambda leaf: leaf[likely], nodes))
        np.testing.assert_allclose(log_probs[likely], expected, rtol=1e-7, atol=1e-6)
    # A quadrature in float32 adds roundings of 1e-5 of the largest place, as the same in float64 above shows.
    assert_rows_equal(family.made().mean(), mass @ rows_of(nodes), atol=2e-5, rtol=2e-5)
    values = draw_many(jax.random.key(0), family.made())
    np.testing.assert_allclose(
        jax.jit(jax.vmap(family.made().log_prob))(values),
        family.log_prob(*family.params, as_float64(values)),
        rtol=5e-5,
        atol=5e-5,
    )


def assert_rows_equal(event: Any, row: np.ndarray, atol: float, rtol: float = 1e-7) -> None:
    np.testing.assert_allclose(rows_of(jax.tree.map(lambda leaf: leaf[None], event))[0], row, atol=atol, rtol=rtol)


@variants
def test_samples_follow_the_density(family):
    """Averages over samples against integrals, within 4.5 standard errors for each of 20 functions."""
    nodes, weights = family.rule()
    mass = np.exp(family.log_prob(*family.params, nodes)) * weights
    expected = np.nan_to_num(mass) @ np.asarray(features(nodes), float)  # the formula as printed overflows far out
    waves = np.asarray(features(draw_many(jax.random.key(1), family.made())), float)
    standard_error = waves.std(axis=0) / np.sqrt(NUM_SAMPLES)
    assert (np.abs(waves.mean(axis=0) - expected) < 4.5 * standard_error).all()
    assert standard_error.max() < 0.01


@with_parameters
def test_the_gradient_through_a_sample_is_that_of_the_expectation(family):
    """∇ E f(z), from the integral of the density, against the average of ∇ f(z) within 4.5 standard errors.

    A family that is not reparametrised has no gradient through its samples. That of a straight-through sample is
    biased, and tested apart; a product has those of its parts.
    """
    params = tuple(jnp.asarray(leaf, jnp.float32) for leaf in family.params)
    distribution = family.make(*params)

    def of_sample(params, key):
        event = family.make(*params).sample(key)
        return features(jax.tree.map(lambda leaf: leaf[None], event))[0, :4]

    def of_expectation(params, nodes):
        return (jnp.exp(jax.vmap(family.make(*params).log_prob)(nodes)) * weights) @ features(nodes)[:, :4]

    keys = jax.random.split(jax.random.key(2), NUM_SAMPLES)
    gradients = jax.jit(jax.vmap(jax.jacrev(of_sample), in_axes=(None, 0)))(params, keys)
    if not distribution.is_reparametrised or isinstance(distribution, StraightThrough):
        has_gradient = [bool((leaf != 0).any()) for leaf in gradients]
        assert has_gradient == [isinstance(distribution, StraightThrough)] + [isinstance(distribution, Product)] * (
            len(params) - 1
        )
        return
    nodes, weights = family.rule()
    with jax.enable_x64(True):
        expected = jax.tree.map(np.asarray, jax.jit(jax.jacrev(of_expectation))(family.params, nodes))
    for exact, sampled in zip(expected, as_float64(gradients), strict=True):
        standard_error = sampled.std(axis=0) / np.sqrt(NUM_SAMPLES)
        assert (np.abs(sampled.mean(axis=0) - exact) < 4.5 * standard_error + 1e-6).all()
        assert np.abs(exact).max() > 5 * standard_error.max(), "the test would not see a wrong gradient"


@some_families
def test_jit_equals_eager_and_sample_and_log_prob_is_both(family):
    distribution, key = family.made(), jax.random.key(4)
    compiled, eager = compiled_everything(distribution, key), everything(distribution, key)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6), compiled, eager)
    value, log_prob, log_prob_of_value, _ = eager
    jax.tree.map(np.testing.assert_array_equal, value, distribution.sample(key))
    np.testing.assert_allclose(log_prob, log_prob_of_value, rtol=1e-6)
    assert log_prob.shape == log_prob_of_value.shape == ()
    assert {leaf.dtype for leaf in jax.tree.leaves(compiled)} == {jnp.dtype("float32")}
    first, second = (rows_of(draw_many(jax.random.key(seed), distribution)) for seed in (0, 1))
    assert (first != second).any()


@some_families
def test_vmap_equals_a_loop_and_it_is_a_pytree(family):
    """Over parameters, key and value together: there are no batch axes inside."""
    keys = jax.random.split(jax.random.key(5), 3)
    several = [family.make(*(jnp.asarray(leaf * by, jnp.float32) for leaf in family.params)) for by in (1, 1.5, 0.8)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *several)
    batch = jax.jit(jax.vmap(everything))(stacked, keys)
    loop = jax.tree.map(lambda *rows: np.stack(rows), *map(compiled_everything, several, keys))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6), batch, loop)
    structure = jax.tree.structure(several[0])
    placeholders = jax.tree.unflatten(structure, [object()] * structure.num_leaves)
    assert jax.tree.structure(placeholders) == structure


@with_parameters
def test_bfloat16_parameters_lose_no_digits_but_their_own(family):
    """Samples are rounded and nothing else: a log-density in float32, that of the rounded parameters and sample."""
    low = family.made(jnp.bfloat16)
    value, log_prob = low.sample_and_log_prob(jax.random.key(6))
    assert {leaf.dtype for leaf in jax.tree.leaves(value)} == {jnp.dtype("bfloat16")}
    assert log_prob.dtype == jnp.float32
    with jax.enable_x64(True):
        wide, wide_value = jax.tree.map(jnp.asarray, as_float64((low, value)))
        np.testing.assert_allclose(log_prob, wide.log_prob(wide_value), rtol=1e-5, atol=1e-5)
