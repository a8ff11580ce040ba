"""The array formulas against scipy and numpy in float64, and against the distributions built on them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

from vae_jax import formulas
from vae_jax.distributions import Bernoulli, Normal, kl_divergence

RNG = np.random.default_rng(0)
X, LOC, OTHER_LOC = RNG.normal(size=(3, 4, 5)) * 3
SCALE, OTHER_SCALE = np.exp(RNG.normal(size=(2, 4, 5)))
LOGITS, OTHER_LOGITS = RNG.normal(size=(2, 4, 5)) * 4
BITS = RNG.integers(0, 2, size=(4, 5)).astype(float)
LOG_WEIGHTS = RNG.normal(size=(4, 50)) * 3 - 90

ELEMENTWISE = {
    "gaussian_log_prob": (formulas.gaussian_log_prob, (X, LOC, SCALE), stats.norm(LOC, SCALE).logpdf(X)),
    "bernoulli_log_prob": (formulas.bernoulli_log_prob, (BITS, LOGITS), stats.bernoulli(expit(LOGITS)).logpmf(BITS)),
    "cross-entropy of grey values": (
        formulas.bernoulli_log_prob,
        (expit(X), LOGITS),
        expit(X) * np.log(expit(LOGITS)) + (1 - expit(X)) * np.log1p(-expit(LOGITS)),
    ),
    "gaussian_kl": (
        formulas.gaussian_kl,
        (LOC, SCALE, OTHER_LOC, OTHER_SCALE),
        np.log(OTHER_SCALE / SCALE) + (SCALE**2 + (LOC - OTHER_LOC) ** 2) / (2 * OTHER_SCALE**2) - 0.5,
    ),
    "gaussian_kl to the prior": (
        formulas.gaussian_kl,
        (LOC, SCALE),
        -0.5 * (1 + np.log(SCALE**2) - LOC**2 - SCALE**2),  # Kingma & Welling 2014, appendix B, negated
    ),
    "bernoulli_kl": (
        formulas.bernoulli_kl,
        (LOGITS, OTHER_LOGITS),
        expit(LOGITS) * np.log(expit(LOGITS) / expit(OTHER_LOGITS))
        + expit(-LOGITS) * np.log(expit(-LOGITS) / expit(-OTHER_LOGITS)),
    ),
}
elementwise = pytest.mark.parametrize(
    ("formula", "arguments", "expected"), ELEMENTWISE.values(), ids=ELEMENTWISE.keys()
)


@elementwise
def test_elementwise_formulas(formula, arguments, expected):
    with jax.enable_x64(True):
        np.testing.assert_allclose(formula(*arguments), expected, rtol=1e-11)
    single = formula(*(argument.astype(np.float32) for argument in arguments))
    np.testing.assert_allclose(single, expected, rtol=2e-5, atol=2e-6)
    assert single.dtype == jnp.float32
    assert single.shape == expected.shape


@elementwise
def test_low_precision_and_integers_are_computed_in_float32(formula, arguments, expected):
    """The result is that of float32 arithmetic on the rounded inputs, not of bfloat16 arithmetic."""
    del expected
    low = [jnp.asarray(argument, jnp.bfloat16) for argument in arguments]
    value = formula(*low)
    assert value.dtype == jnp.float32
    np.testing.assert_array_equal(value, formula(*(argument.astype(jnp.float32) for argument in low)))
    assert formula(*(np.ones(2, int) for _ in arguments)).dtype == jnp.float32


@elementwise
def test_arguments_broadcast(formula, arguments, expected):
    del expected
    first, *rest = arguments
    column = formula(first[:, :1], *(argument[:1] for argument in rest))
    full = formula(first[:, [0] * 5], *(argument[[0] * 4] for argument in rest))
    assert column.shape == (4, 5)
    np.testing.assert_allclose(column, full, rtol=1e-6)


def test_sums_are_the_distributions():
    bits, x = jnp.asarray(BITS, jnp.float32), jnp.asarray(X, jnp.float32)
    loc, scale, other_loc, other_scale, logits, other_logits = (
        jnp.asarray(array, jnp.float32) for array in (LOC, SCALE, OTHER_LOC, OTHER_SCALE, LOGITS, OTHER_LOGITS)
    )
    normal, other = Normal(loc, scale), Normal(other_loc, other_scale)
    np.testing.assert_array_equal(normal.log_prob(x), formulas.gaussian_log_prob(x, loc, scale).sum())
    in_a_row = formulas.bernoulli_log_prob(bits.ravel(), logits.ravel())  # the order in which the distribution sums
    np.testing.assert_array_equal(Bernoulli(logits).log_prob(bits), in_a_row.sum())
    np.testing.assert_array_equal(
        kl_divergence(normal, other), formulas.gaussian_kl(loc, scale, other_loc, other_scale).sum()
    )
    np.testing.assert_array_equal(
        kl_divergence(Bernoulli(logits), Bernoulli(other_logits)), formulas.bernoulli_kl(logits, other_logits).sum()
    )


def test_gaussian_kl_at_extreme_ratios():
    """σ²/s² underflows in float32 where its logarithm is harmless."""
    for scale in (1e-30, 1e-20, 1e-6, 1e6):
        expected = 0.5 * (np.float64(scale) ** 2 - 1) - np.log(scale)
        value, gradient = jax.value_and_grad(formulas.gaussian_kl, argnums=1)(0.0, scale)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        np.testing.assert_allclose(gradient, scale - 1 / scale, rtol=1e-5)


# The importance-weighted bound and the effective sample size


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_importance_weighted_bound_is_a_log_mean(axis):
    expected = logsumexp(LOG_WEIGHTS, axis=axis) - np.log(LOG_WEIGHTS.shape[axis])
    with jax.enable_x64(True):
        np.testing.assert_allclose(formulas.importance_weighted_bound(LOG_WEIGHTS, axis), expected, rtol=1e-13)
    single = formulas.importance_weighted_bound(LOG_WEIGHTS.astype(np.float32), axis)
    np.testing.assert_allclose(single, expected, rtol=1e-6)


def test_importance_weighted_bound_neither_overflows_nor_underflows():
    for shift in (-1e5, 1e5):
        weights = jnp.array([0.0, jnp.log(3.0)]) + shift
        np.testing.assert_allclose(formulas.importance_weighted_bound(weights), shift + np.log(2), atol=0.01)
    assert formulas.importance_weighted_bound(jnp.array([-jnp.inf, 0.0])) == -np.log(2).astype(np.float32)
    assert formulas.importance_weighted_bound(jnp.array([-jnp.inf, -jnp.inf])) == -jnp.inf


def test_importance_weighted_bound_of_bfloat16_is_float32():
    """A mean over 5,000 equal weights: bfloat16 arithmetic would stop counting at 256."""
    bound = formulas.importance_weighted_bound(jnp.full(5_000, -100.0, jnp.bfloat16))
    np.testing.assert_allclose(bound, -100.0, rtol=1e-6)


def test_gradient_of_the_bound_is_the_normalised_weights():
    weights = LOG_WEIGHTS[0].astype(np.float32)
    gradient = jax.grad(formulas.importance_weighted_bound)(weights)
    np.testing.assert_allclose(gradient, np.exp(weights - logsumexp(weights)), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("axis", [0, 1])
def test_effective_sample_size_is_its_definition(axis):
    weights = np.exp(LOG_WEIGHTS)
    expected = weights.sum(axis=axis) ** 2 / (weights**2).sum(axis=axis)
    with jax.enable_x64(True):
        np.testing.assert_allclose(formulas.effective_sample_size(LOG_WEIGHTS, axis), expected, rtol=1e-11)
    assert ((expected > 1) & (expected < LOG_WEIGHTS.shape[axis])).all()


@pytest.mark.parametrize("shift", [0.0, -131_072.25, 131_072.25])
def test_effective_sample_size_at_its_ends(shift):
    """Equal weights count K and a dominant one 1, wherever the log-weights lie (an image's may be at −10⁵)."""
    np.testing.assert_allclose(formulas.effective_sample_size(jnp.zeros(64) + shift), 64.0, rtol=1e-6)
    dominated = jnp.zeros(64).at[7].set(1_000.0) + shift
    np.testing.assert_allclose(formulas.effective_sample_size(dominated), 1.0, rtol=1e-6)
