"""Closed-form KL divergences of distributions whose elements depend on each other: pairs x laws.

A new pair enters by one line in `PAIRS`; each is held against an integral over all events.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special
from test_joint_distributions import FACTOR, LOGITS, TRIL, grid, normal_and_kind, one_hot, sphere, triangle, unit
from test_kl import PAIRS as ELEMENTWISE

from vae_jax import formulas
from vae_jax.distributions import (
    Bernoulli,
    BinaryConcrete,
    Categorical,
    CategoricalCodes,
    Coded,
    Concrete,
    LogisticNormal,
    LowRankNormal,
    MultivariateNormal,
    Normal,
    Product,
    Quantised,
    SphericalUniform,
    Stacked,
    StraightThrough,
    VonMisesFisher,
    kl_divergence,
    kl_per_dimension,
)
from vae_jax.distributions.kl import _JOINT, _PER_DIMENSION

LOC, OTHER_LOC, SCALE = np.array([0.3, -1.0]), np.array([0.0, 0.5]), np.array([1.3, 0.9])
OTHER_TRIL = np.array([[1.5, 0.0], [0.7, 1.1]])
OTHER_LOGITS = np.array([-0.3, 0.8, 0.1])
PLANE = functools.partial(grid, -11, 11, 160, 2)


class Pair(NamedTuple):
    """Two constructors with their parameters, and the rule that integrates over their events."""

    q: Callable[..., Any]
    q_params: tuple[np.ndarray, ...]
    p: Callable[..., Any]
    p_params: tuple[np.ndarray, ...]
    rule: Callable[[], tuple[Any, np.ndarray]]

    def made(self, dtype: Any) -> tuple[Any, Any]:
        q_params, p_params = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), (self.q_params, self.p_params))
        return self.q(*q_params), self.p(*p_params)


def stacked_normals(loc, scale):
    return Stacked(Normal(loc[:, None], scale[:, None]))


def stacked_line():
    nodes, weights = grid(-14, 14, 400, 2)
    return nodes[:, :, None], weights


def kind_and_style(logits, loc):
    return Product({"kind": Categorical(logits), "style": Normal(loc, jnp.asarray(0.7, loc.dtype))})


def straight_through(logits):
    return StraightThrough(Concrete(logits, jnp.asarray(0.5, logits.dtype)))


def binary_straight_through(logits):
    return StraightThrough(BinaryConcrete(logits, jnp.asarray(0.5, logits.dtype)))


def certain(vectors):
    """The first of the places is at the vector 1 of the three, the second at 2."""
    return Quantised(vectors, jnp.array([1, 2]), vectors[:, None], 3)


def coded(logits):
    look_up = lambda book, codes: codes.astype(logits.dtype)
    return Coded(CategoricalCodes(logits), (), look_up, lambda book, vectors: vectors.astype(int))


PAIRS = {
    (MultivariateNormal, Normal): Pair(MultivariateNormal, (LOC, TRIL), Normal, (OTHER_LOC, SCALE), PLANE),
    (MultivariateNormal, MultivariateNormal): Pair(
        MultivariateNormal, (LOC, TRIL), MultivariateNormal, (OTHER_LOC, OTHER_TRIL), PLANE
    ),
    (Normal, MultivariateNormal): Pair(Normal, (LOC, SCALE), MultivariateNormal, (OTHER_LOC, OTHER_TRIL), PLANE),
    (LowRankNormal, Normal): Pair(
        LowRankNormal, (LOC, FACTOR, np.array([0.4, 0.9])), Normal, (OTHER_LOC, SCALE), PLANE
    ),
    (LogisticNormal, LogisticNormal): Pair(
        LogisticNormal, (LOC, np.array([0.8, 1.2])), LogisticNormal, (OTHER_LOC, SCALE), triangle
    ),
    (VonMisesFisher, SphericalUniform): Pair(
        lambda loc, concentration: VonMisesFisher(unit(loc), concentration),
        (np.array([0.6, -0.8, 1.0]), np.array(5.0)),
        lambda: SphericalUniform(3),
        (),
        functools.partial(sphere, 3),
    ),
    (Categorical, Categorical): Pair(
        Categorical,
        (np.stack([LOGITS, 3 * LOGITS]),),
        Categorical,
        (np.stack([OTHER_LOGITS, LOGITS]),),
        functools.partial(one_hot, 2, 3),
    ),
    (StraightThrough, Categorical): Pair(
        straight_through, (LOGITS[None],), Categorical, (OTHER_LOGITS[None],), functools.partial(one_hot, 1, 3)
    ),
    (StraightThrough, Bernoulli): Pair(
        binary_straight_through,
        (LOC[:1],),
        Bernoulli,
        (OTHER_LOC[:1] - 1,),
        lambda: (np.array([[0.0], [1.0]]), np.ones(2)),
    ),
    (Quantised, Coded): Pair(
        certain,
        (np.array([1.0, 2.0]),),
        coded,
        (np.stack([OTHER_LOGITS, LOGITS]),),
        lambda: (np.indices((3, 3)).reshape(2, -1).T.astype(float), np.ones(9)),
    ),
    (Stacked, Stacked): Pair(stacked_normals, (LOC, SCALE), stacked_normals, (OTHER_LOC, 0.7 * SCALE), stacked_line),
    (Product, Product): Pair(
        kind_and_style, (LOGITS[:2], LOC[:1]), kind_and_style, (OTHER_LOGITS[:2], OTHER_LOC[:1]), normal_and_kind
    ),
}
pairs = pytest.mark.parametrize("pair", PAIRS.values(), ids=["-".join(kind.__name__ for kind in key) for key in PAIRS])
divergence = jax.jit(kl_divergence)


def test_every_closed_form_is_tested():
    assert PAIRS.keys() | ELEMENTWISE.keys() >= _PER_DIMENSION.keys() | _JOINT.keys()


@pairs
def test_agrees_with_the_integral(pair):
    """E_q[log q − log p] over all events in float64; float32 keeps five digits of it."""
    nodes, weights = pair.rule()
    with jax.enable_x64(True):
        q, p = pair.made(jnp.float64)
        log_q, log_p = (np.asarray(jax.jit(jax.vmap(d.log_prob))(nodes)) for d in (q, p))
        mass = np.exp(log_q) * weights
        expected = (mass * np.where(mass > 0, log_q - log_p, 0)).sum()
        exact = float(divergence(q, p))
        np.testing.assert_allclose(exact, expected, rtol=2e-6)
    assert exact > 0.05
    np.testing.assert_allclose(divergence(*pair.made(jnp.float32)), exact, rtol=1e-5)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS.values() if pair.q is pair.p])
def test_is_zero_at_equality_and_never_negative_near_it(pair):
    """To the rounding of float32, for parameters that differ by one part in 10⁴."""
    params = tuple(jnp.asarray(leaf, jnp.float32) for leaf in pair.q_params)
    np.testing.assert_allclose(divergence(pair.q(*params), pair.q(*params)), 0.0, atol=1e-7)
    for by in (1 + 1e-4, 1 - 1e-4):
        assert divergence(pair.q(*params), pair.q(*(leaf * by for leaf in params))) > -1e-7


@pytest.mark.parametrize("pair", [pair for key, pair in PAIRS.items() if key in _PER_DIMENSION])
def test_terms_add_up(pair):
    q, p = pair.made(jnp.float32)
    terms = kl_per_dimension(q, p)
    assert terms.ndim == (2 if isinstance(q, Stacked) else 1)
    np.testing.assert_allclose(terms.sum(), divergence(q, p), rtol=1e-6)


@pytest.mark.parametrize("pair", [pair for key, pair in PAIRS.items() if key not in _PER_DIMENSION])
def test_a_joint_pair_has_no_terms(pair):
    with pytest.raises(TypeError, match="expected a pair of distributions whose KL divergence has a closed form"):
        kl_per_dimension(*pair.made(jnp.float32))


# Laws of one pair


def test_every_way_to_write_a_covariance_gives_the_same():
    """Five dimensions: low rank, full, and (without directions) diagonal."""
    rng = np.random.default_rng(0)
    loc, factor, scale = rng.normal(size=5), rng.normal(size=(5, 2)), rng.uniform(0.3, 2, size=5)
    prior = Normal(jnp.asarray(rng.normal(size=5), jnp.float32), jnp.full(5, 1.4))
    loc, factor, scale = (jnp.asarray(array, jnp.float32) for array in (loc, factor, scale))
    low_rank = LowRankNormal(loc, factor, scale)
    full = MultivariateNormal(loc, jnp.linalg.cholesky(factor @ factor.T + jnp.diag(scale**2)))
    np.testing.assert_allclose(divergence(low_rank, prior), divergence(full, prior), rtol=1e-5)
    diagonal, without = Normal(loc, scale), LowRankNormal(loc, 0 * factor, scale)
    for same in (without, MultivariateNormal(loc, jnp.diag(scale))):
        np.testing.assert_allclose(divergence(same, prior), divergence(diagonal, prior), rtol=1e-6)
    full_prior = MultivariateNormal(prior.loc, jnp.diag(prior.scale))
    np.testing.assert_allclose(divergence(full, full_prior), divergence(full, prior), rtol=1e-5)
    np.testing.assert_allclose(divergence(diagonal, full_prior), divergence(diagonal, prior), rtol=1e-5)


def test_categories_keep_the_digits_of_near_equality_and_of_certainty():
    """Nearly equal logits in float32 against float64; certain ones are finite with a finite gradient."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 8)).astype(np.float32)
    others = (logits + 1e-2 * rng.normal(size=(50, 8))).astype(np.float32)
    log_p, log_r = (special.log_softmax(array.astype(float), axis=1) for array in (logits, others))
    exact = (np.exp(log_p) * (log_p - log_r)).sum(axis=1)
    np.testing.assert_allclose(formulas.categorical_kl(logits, others), exact, rtol=2e-3)
    np.testing.assert_array_equal(formulas.categorical_kl(logits, logits), 0)
    certain, opposite = jnp.array([1e4, -1e4, 0.0]), jnp.array([-1e4, 1e4, 0.0])
    value, gradient = jax.value_and_grad(lambda a: formulas.categorical_kl(a, opposite))(certain)
    np.testing.assert_allclose(value, 2e4, rtol=1e-6)
    assert np.isfinite(gradient).all()
    two = np.array([0.3, 0.0], np.float32), np.array([-1.2, 0.0], np.float32)
    np.testing.assert_allclose(formulas.categorical_kl(*two), formulas.bernoulli_kl(two[0][0], two[1][0]), rtol=1e-6)


@pytest.mark.parametrize("size", [2, 100])
def test_von_mises_fisher_keeps_its_digits(size):
    """From nearly uniform to nearly certain in float32, against scipy's Bessel functions; ≥ 0 and growing with κ."""
    concentrations = np.array([1e-2, 0.1, 0.9, 1.1, 10.0, 100.0, 1e3, 1e4])
    of = lambda concentration: kl_divergence(VonMisesFisher(jnp.eye(size)[0], concentration), SphericalUniform(size))
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(of)))(jnp.asarray(concentrations, jnp.float32))
    order = size / 2 - 1
    bessel = special.ive(order, concentrations)
    ratio = special.ive(order + 1, concentrations) / bessel
    log_moment = np.log(bessel) - order * np.log(concentrations / 2) + special.gammaln(order + 1) + concentrations
    # The difference of scipy's terms keeps 1e-13 of its largest one.
    np.testing.assert_allclose(values, concentrations * ratio - log_moment, rtol=1e-4, atol=2e-9)
    # d/dκ (κ A − ψ) = κ A', and A' = 1 − A² − (d − 1) A / κ.
    expected = concentrations * (1 - ratio**2 - (size - 1) * ratio / concentrations)
    np.testing.assert_allclose(slopes[:6], expected[:6], rtol=2e-3)
    assert np.isfinite(slopes).all()
    assert (np.diff(values) > 0).all()
