"""Products and mixtures of experts against the densities that they are defined by."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp
from tables import long_but

from vae_jax.distributions import (
    Normal,
    Observed,
    PointMass,
    Poisson,
    mixture_of_experts,
    mixture_of_products,
    product_of_experts,
)

LOC = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])
SCALE = np.array([[0.4, 1.5], [1.0, 0.6], [2.0, 0.9]])
PRIOR = Normal(jnp.array([0.1, -0.2]), jnp.array([1.0, 1.3]))
AXIS = np.linspace(-14, 14, 4_001)
MASKS = ["".join(mask) for mask in itertools.product("01", repeat=3)][1:]
masks = pytest.mark.parametrize("mask", long_but(MASKS, "101", "111"))


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def experts():
    return Normal(jnp.asarray(LOC), jnp.asarray(SCALE))


def log_product(members, with_prior):
    """The normalised log-density of each dimension on `AXIS`, by the trapezoid rule."""
    parts = [stats.norm(LOC[m], SCALE[m]).logpdf(AXIS[:, None]) for m in members]
    parts += [stats.norm(PRIOR.loc, PRIOR.scale).logpdf(AXIS[:, None])] if with_prior else []
    total = np.sum(parts, axis=0)
    return total - logsumexp(total, axis=0) - np.log(AXIS[1] - AXIS[0])


@masks
def test_a_product_is_proportional_to_the_prior_times_the_experts_that_are_present(mask):
    mask = np.array([bit == "1" for bit in mask])
    q = jax.jit(lambda mask: product_of_experts(experts(), mask, PRIOR))(mask)
    expected = log_product(np.flatnonzero(mask), with_prior=True)
    np.testing.assert_allclose(stats.norm(q.loc, q.scale).logpdf(AXIS[:, None]), expected, atol=1e-7, rtol=1e-7)


def test_the_product_of_nothing_is_the_prior():
    nothing = jnp.zeros(3, bool)
    q = jax.jit(lambda: product_of_experts(experts(), nothing, PRIOR))()
    np.testing.assert_allclose((q.loc, q.scale), (PRIOR.loc, PRIOR.scale), rtol=1e-12)
    for mixture in (mixture_of_experts, mixture_of_products):
        of = lambda q: (q.log_prob(LOC[0]), q.mean())
        log_prob, mean = jax.jit(lambda mixture=mixture, of=of: of(mixture(experts(), nothing, PRIOR)))()
        np.testing.assert_allclose(log_prob, stats.norm(PRIOR.loc, PRIOR.scale).logpdf(LOC[0]).sum(), rtol=1e-7)
        np.testing.assert_allclose(mean, PRIOR.loc, rtol=1e-12)


@masks
@pytest.mark.parametrize("joined", [mixture_of_experts, mixture_of_products])
def test_the_density_of_a_mixture_is_the_mean_over_what_is_present(mask, joined):
    mask = np.array([bit == "1" for bit in mask])
    members = np.flatnonzero(mask)
    sizes = range(1, len(members) + 1) if joined is mixture_of_products else [1]
    subsets = [subset for size in sizes for subset in itertools.combinations(members, size)]
    value = np.array([AXIS[1_950], AXIS[2_100]])
    densities = [log_product(subset, with_prior=False)[[1_950, 2_100], [0, 1]].sum() for subset in subsets]
    expected = logsumexp(densities) - np.log(len(subsets))

    @jax.jit
    def of(mask):
        q = joined(experts(), mask, PRIOR)
        return q.log_prob(value), jnp.isfinite(q.logits).sum()

    log_prob, num_components = of(mask)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-7)
    assert num_components == len(subsets)


@pytest.mark.parametrize(
    "joined", long_but([product_of_experts, mixture_of_experts, mixture_of_products], product_of_experts)
)
def test_a_missing_expert_has_no_say_and_no_gradient(joined):
    """Whatever it holds; and opinions of extreme certainty stay finite."""

    def log_prob(loc, scale, mask):
        return joined(Normal(loc, scale), mask, PRIOR).log_prob(jnp.array([0.2, 0.1]))

    mask = jnp.array([True, False, True])
    of = jax.jit(jax.value_and_grad(log_prob, argnums=(0, 1)))
    value, (of_loc, of_scale) = of(jnp.asarray(LOC), jnp.asarray(SCALE), mask)
    other, _ = of(jnp.asarray(LOC).at[1].set(9.0), jnp.asarray(SCALE).at[1].set(1e-3), mask)
    np.testing.assert_allclose(other, value, rtol=1e-12)
    assert (of_loc[1] == 0).all()
    assert (of_scale[1] == 0).all()
    assert np.abs(of_loc[0]).min() > 0
    for extreme in (1e-12, 1e12):
        with jax.enable_x64(False):
            single = joined(Normal(jnp.zeros((3, 2)), jnp.full((3, 2), extreme)), jnp.ones(3, bool), PRIOR)
            leaves = jax.tree.leaves(single.components if hasattr(single, "components") else single)
            assert all(np.isfinite(leaf).all() for leaf in leaves)


def test_a_missing_event_counts_nothing_and_has_no_gradient():
    def log_prob(log_rate, is_present, value):
        return Observed(Poisson(log_rate), jnp.asarray(is_present)).log_prob(value)

    of = jax.jit(jax.value_and_grad(log_prob))
    count, rate = jnp.array([2.0, 0.0]), jnp.array([0.3, -0.2])
    np.testing.assert_allclose(of(rate, True, count)[0], stats.poisson(np.exp(rate)).logpmf(count).sum(), rtol=1e-6)
    for hidden in (count, jnp.full(2, jnp.nan), jnp.full(2, -1.0)):
        value, gradient = of(rate, False, hidden)
        assert value == 0
        assert (gradient == 0).all()
    missing = Observed(Poisson(rate), jnp.array(False))
    np.testing.assert_allclose(missing.mean(), jnp.exp(rate))
    assert missing.is_discrete
    assert (missing.is_reparametrised, missing.has_density) == (False, True)
    certain = Observed(PointMass(rate), jnp.array(True))
    assert (certain.is_reparametrised, certain.has_density, certain.is_discrete) == (True, False, False)
    assert Observed(PRIOR, jnp.array(False)).sample_and_log_prob(jax.random.key(0))[1] == 0
    assert missing.support.words == "counts 0, 1, 2, ..."
