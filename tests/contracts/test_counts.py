"""What likelihoods of counts must do beyond the laws of every family: keep their digits where Γ functions are large."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from vae_jax.distributions import (
    Bernoulli,
    CategoricalCodes,
    MixedColumns,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    ZeroInflated,
)
from vae_jax.distributions.stirling import deviance, stirling_error


def test_stirling_s_error_is_what_gammaln_leaves():
    """In float64 against scipy where its difference has digits, and in float32 over eleven powers of ten."""
    z = np.geomspace(1e-6, 300, 60)
    exact = gammaln(z + 1) - ((z + 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi))
    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.jit(stirling_error)(z), exact, rtol=1e-9, atol=1e-12)
        wide = np.geomspace(1e-6, 1e9, 60)
        of_wide = np.asarray(jax.jit(stirling_error)(wide))
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(stirling_error)))(wide.astype(np.float32))
    np.testing.assert_allclose(value, of_wide, rtol=1e-5, atol=5e-7)
    assert np.isfinite(slope).all()
    assert (slope < 0).all()


def test_the_deviance_is_zero_where_they_agree_and_positive_elsewhere():
    ratios = np.array([-80.0, -1e-3, 0.0, 1e-3, 5.0], np.float32)
    values = np.asarray(deviance(jnp.float32(3.0), jnp.asarray(ratios)))
    np.testing.assert_allclose(values, 3 * (np.expm1(ratios.astype(float)) - ratios), atol=1e-6, rtol=1e-3)
    assert values[2] == 0


@pytest.mark.parametrize("count", [1e3, 1e5, 1e6])
def test_large_counts_keep_their_digits_in_float32(count):
    """x log λ − λ − log Γ(x + 1) in float32 is wrong by whole nats at a million: its terms are ten million."""
    rate = np.float32(count * (1 + 1 / np.sqrt(count)))
    log_rate = np.log(rate)
    exact = stats.poisson(np.exp(float(log_rate))).logpmf(count)
    careless = float(jnp.float32(count) * log_rate - jnp.exp(log_rate) - jax.lax.lgamma(jnp.float32(count + 1)))
    log_mass = float(Poisson(log_rate).log_prob(jnp.float32(count)))
    # What float32 leaves of log x decides the rest: an error of 10⁻⁶ in the logarithm is one of 10⁻³ in this tail.
    np.testing.assert_allclose(log_mass, exact, atol=2e-3)
    assert abs(careless - exact) > (0.1 if count == 1e6 else 0)
    for dispersion in (10.0, 1e4):
        exact = stats.nbinom(dispersion, dispersion / (dispersion + float(rate))).logpmf(count)
        log_mass = NegativeBinomial(rate, jnp.float32(dispersion)).log_prob(jnp.float32(count))
        np.testing.assert_allclose(log_mass, exact, atol=2e-3)


def test_a_large_dispersion_is_poisson_and_large_degrees_of_freedom_are_normal():
    value = jnp.array([0.0, 2.0, 9.0])
    poisson = Poisson(jnp.log(jnp.full(3, 4.0))).log_prob(value)
    np.testing.assert_allclose(NegativeBinomial(jnp.full(3, 4.0), 1e9).log_prob(value), poisson, rtol=1e-5)
    normal = Normal(jnp.full(3, 1.0), 2.0).log_prob(value)
    np.testing.assert_allclose(StudentT(1e9, jnp.full(3, 1.0), 2.0).log_prob(value), normal, rtol=1e-5)


def test_zero_inflation_ends_in_its_parts():
    """With no extra zeros it is the inner distribution, and P(0) = π + (1 − π) p(0) for any inner."""
    value = jnp.array([0.0, 2.0, 5.0])
    inner = NegativeBinomial(jnp.array([1.0, 2.0, 3.0]), jnp.asarray(0.7))
    log_prob = jax.jit(lambda distribution: distribution.log_prob(value))
    np.testing.assert_allclose(log_prob(ZeroInflated(inner, jnp.asarray(-80.0))), log_prob(inner), rtol=1e-6)
    zero = ZeroInflated(Poisson(jnp.zeros(1)), jnp.zeros(1)).log_prob(jnp.zeros(1))
    np.testing.assert_allclose(zero, np.log(0.5 + 0.5 * np.exp(-1)), rtol=1e-6)
    np.testing.assert_allclose(ZeroInflated(inner, jnp.asarray(0.0)).mean(), inner.mean() / 2, rtol=1e-6)


def test_mixed_columns_are_the_sum_of_their_parts_in_the_order_of_the_table():
    parts = (
        Normal(jnp.array([10.0, 20.0]), jnp.array([1.0, 3.0])),
        Bernoulli(jnp.array([2.0])),
        CategoricalCodes(jnp.array([[0.0, 1.0, 3.0]])),
    )
    row = MixedColumns(parts, ((3, 0), (2,), (1,)))
    value = jnp.array([19.0, 2.0, 0.0, 11.0])
    expected = [
        stats.norm(10, 1).logpdf(11) + stats.norm(20, 3).logpdf(19),
        np.log(1 / (1 + np.exp(2))),
        3 - np.log(1 + np.exp(1) + np.exp(3)),
    ]
    np.testing.assert_allclose(row.log_prob(value), sum(expected), rtol=1e-6)
    weights = np.exp([0, 1, 3]) / np.exp([0, 1, 3]).sum()
    np.testing.assert_allclose(row.mean(), [20, weights @ [0, 1, 2], 1 / (1 + np.exp(-2)), 10], rtol=1e-6)
    np.testing.assert_array_equal(row.is_discrete, [False, True, True, False])
