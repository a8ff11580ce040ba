"""What every closed-form KL divergence must do: pairs x laws. A new pair enters by one line in `PAIRS`."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit

from vae_jax.distributions import Bernoulli, Normal, PointMass, kl_divergence, kl_per_dimension
from vae_jax.distributions.kl import _PER_DIMENSION

NUM_SAMPLES = 100_000


class Pair(NamedTuple):
    """Two families of one parameter vector each, (2, n) or (n,), and scipy's element for one column of it."""

    make: Callable[[Any], Any]
    oracle: Callable[..., Any]
    q: np.ndarray
    p: np.ndarray
    unlike: np.ndarray
    """Many parameters over a wide range, to look for a negative divergence among."""


RNG = np.random.default_rng(0)
PAIRS = {
    (Normal, Normal): Pair(
        make=lambda parameters: Normal(parameters[0], parameters[1]),
        oracle=stats.norm,
        q=np.array([[0.3, -2.0, 5.0, 0.0], [0.5, 3.0, 0.01, 1.0]]),
        p=np.array([[0.0, 1.0, 4.9, 0.0], [1.0, 0.7, 0.02, 1.0 + 1e-3]]),
        unlike=np.stack([RNG.normal(size=1_000) * 10, 10 ** RNG.uniform(-6, 6, size=1_000)]),
    ),
    (Bernoulli, Bernoulli): Pair(
        make=lambda parameters: Bernoulli(parameters[0]),
        oracle=lambda logit: stats.bernoulli(expit(logit)),
        q=np.array([[0.0, -3.0, 12.0, 0.7]]),
        p=np.array([[2.0, 4.0, 11.0, 0.75]]),
        unlike=RNG.uniform(-20, 20, size=(1, 1_000)),
    ),
}
divergence, per_dimension = jax.jit(kl_divergence), jax.jit(kl_per_dimension)
pairs = pytest.mark.parametrize("pair", PAIRS.values(), ids=["-".join(kind.__name__ for kind in key) for key in PAIRS])


def numerical_kl(q: Any, p: Any) -> float:
    """E_q[log q − log p] of one element, by adaptive quadrature or a sum over the support."""
    if isinstance(q.dist, stats.rv_discrete):
        return sum(q.pmf(k) * (q.logpmf(k) - p.logpmf(k)) for k in (0, 1))
    span = (q.mean() - 12 * q.std(), q.mean() + 12 * q.std())
    return quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), *span, epsabs=1e-13, epsrel=1e-12, limit=200)[0]


def test_every_pair_here_has_a_closed_form():
    """That every closed form is tested is asserted in `test_joint_kl`, the table of the pairs that are not here."""
    assert set(PAIRS) <= set(_PER_DIMENSION)


@pairs
def test_agrees_with_quadrature(pair):
    expected = [numerical_kl(pair.oracle(*a), pair.oracle(*b)) for a, b in zip(pair.q.T, pair.p.T, strict=True)]
    with jax.enable_x64(True):
        q, p = pair.make(jnp.asarray(pair.q)), pair.make(jnp.asarray(pair.p))
        np.testing.assert_allclose(per_dimension(q, p), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(divergence(q, p), sum(expected), rtol=1e-9)
    assert min(expected) > 1e-8


@pairs
def test_keeps_its_digits_in_float32(pair):
    """Also for nearly equal distributions and for nearly certain ones, where a careless formula cancels."""
    expected = [numerical_kl(pair.oracle(*a), pair.oracle(*b)) for a, b in zip(pair.q.T, pair.p.T, strict=True)]
    q, p = (pair.make(jnp.asarray(parameters, jnp.float32)) for parameters in (pair.q, pair.p))
    # The last normal pair differs by 1e-3, of which float32 parameters hold four digits.
    np.testing.assert_allclose(per_dimension(q, p), expected, rtol=1e-3)


@pairs
def test_agrees_with_samples(pair):
    """E_q[log q − log p] by 100,000 draws, within 4.5 standard errors, which are below 2 % of it."""
    q, p = (pair.make(jnp.asarray(parameters[:, :2], jnp.float32)) for parameters in (pair.q, pair.p))

    @jax.jit
    @jax.vmap
    def log_ratio(key):
        z, log_q = q.sample_and_log_prob(key)
        return log_q - p.log_prob(z)

    ratios = np.asarray(log_ratio(jax.random.split(jax.random.key(0), NUM_SAMPLES)), float)
    standard_error = ratios.std() / np.sqrt(NUM_SAMPLES)
    assert abs(ratios.mean() - divergence(q, p)) < 4.5 * standard_error
    assert standard_error < 0.02 * divergence(q, p)


@pairs
def test_is_zero_at_equality_with_zero_gradient(pair):
    q = pair.make(jnp.asarray(pair.unlike, jnp.float32))
    np.testing.assert_array_equal(per_dimension(q, q), 0.0)
    gradient = jax.jit(jax.grad(kl_divergence, argnums=1))(q, q)
    scale = q.scale if isinstance(q, Normal) else 1.0
    for leaf in jax.tree.leaves(gradient):
        np.testing.assert_allclose(leaf * scale, 0.0, atol=1e-6)


@pairs
def test_is_never_negative(pair):
    """In float32, for pairs that differ much and pairs that differ by one part in 10⁴; below 1e-7 is rounding."""
    q = pair.make(jnp.asarray(pair.unlike, jnp.float32))
    for other in (pair.unlike[:, ::-1], pair.unlike * (1 + 1e-4), pair.unlike * (1 - 1e-4)):
        p = pair.make(jnp.asarray(other, jnp.float32))
        assert (np.asarray(per_dimension(q, p)) >= -1e-7).all()


@pairs
def test_sums_over_the_event(pair):
    """An event of any shape; one number, and its terms of the event's shape."""
    q, p = (pair.make(jnp.asarray(parameters, jnp.float32).reshape(-1, 2, 2)) for parameters in (pair.q, pair.p))
    terms = per_dimension(q, p)
    assert terms.shape == (2, 2)
    assert divergence(q, p).shape == ()
    np.testing.assert_allclose(divergence(q, p), np.asarray(terms).sum(), rtol=1e-6)


NORMAL, BERNOULLI, POINT = Normal(jnp.zeros(2), jnp.ones(2)), Bernoulli(jnp.zeros(2)), PointMass(jnp.zeros(2))


@pytest.mark.parametrize("function", [kl_divergence, kl_per_dimension])
@pytest.mark.parametrize(
    ("q", "p"), [(q, p) for q, p in itertools.permutations([NORMAL, BERNOULLI, POINT], 2)] + [(POINT, POINT)]
)
def test_a_pair_without_a_closed_form_is_refused(function, q, p):
    """What was expected, what came, what to do: never a guess, also under jit."""
    message = (
        r"expected a pair of distributions whose KL divergence has a closed form \(Normal to Normal, "
        rf"Bernoulli to Bernoulli, .*\); got {type(q).__name__} to {type(p).__name__}; use kl=sampled_kl, "
        "or objectives.autoencoder where the posterior is a PointMass"
    )
    for call in (function, jax.jit(function)):
        with pytest.raises(TypeError, match=message):
            call(q, p)


def test_the_order_matters():
    """KL(q ‖ p) is not KL(p ‖ q): 0.5 (4 − 1 − log 4) against 0.5 (1/4 − 1 + log 4)."""
    wide, narrow = Normal(jnp.zeros(1), jnp.full(1, 2.0)), Normal(jnp.zeros(1), jnp.ones(1))
    np.testing.assert_allclose(divergence(wide, narrow), 0.5 * (3 - np.log(4)), rtol=1e-6)
    np.testing.assert_allclose(divergence(narrow, wide), 0.5 * (np.log(4) - 0.75), rtol=1e-6)
