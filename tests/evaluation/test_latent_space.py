"""Numbers of the latent space against those that are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Categorical, Normal, standard_normal
from vae_jax.evaluation import Fitted, share_far_from
from vae_jax.evaluation.latent_space.continuity import continuity
from vae_jax.evaluation.latent_space.information import information
from vae_jax.evaluation.latent_space.order import latent_order
from vae_jax.objectives import elbo

NUM = 1_500


def repeated(distribution, num=NUM):
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num, *leaf.shape)), distribution)


def drawn(posteriors, num=NUM):
    return jax.vmap(lambda q, key: q.sample(key))(posteriors, jax.random.split(jax.random.key(0), num))


def test_codes_that_are_the_prior_tell_nothing():
    posteriors = repeated(standard_normal(3))
    found = information(posteriors, posteriors, drawn(posteriors))
    np.testing.assert_allclose(found[:5], 0, atol=1e-5)


@pytest.mark.parametrize("make", ["normal", "categories"])
def test_codes_that_are_far_apart_tell_which_example_they_are_of(make):
    if make == "normal":
        posteriors = Normal(100.0 * jnp.arange(64.0)[:, None], jnp.ones((64, 1)))
        prior = repeated(standard_normal(1), 64)
    else:
        posteriors = Categorical(1e3 * jnp.eye(64)[:, None])
        prior = repeated(Categorical(jnp.zeros((1, 64))), 64)
    found = information(posteriors, prior, drawn(posteriors, 64))
    np.testing.assert_allclose(found.mutual_information, np.log(64), atol=1e-4)
    assert found.largest == pytest.approx(np.log(64))
    if make == "categories":
        np.testing.assert_allclose([found.kl, found.aggregate_kl], [np.log(64), 0], atol=1e-4)


def test_the_parts_are_those_of_an_aggregate_that_is_known():
    """Means from N(0, Σ) and a scale s make q(z) = N(0, Σ + s²), whose divergences have closed forms."""
    covariance, scale = np.array([[1.0, 0.8], [0.8, 1.5]]), 0.5
    means = np.random.default_rng(0).multivariate_normal(np.zeros(2), covariance, size=NUM)
    posteriors = Normal(jnp.asarray(means, jnp.float32), jnp.full((NUM, 2), scale))
    found = information(posteriors, repeated(standard_normal(2)), drawn(posteriors))
    whole = covariance + scale**2 * np.eye(2)
    kl = 0.5 * (np.trace(whole) - 2 - np.linalg.slogdet(whole)[1])
    correlation = 0.5 * (np.log(np.diag(whole)).sum() - np.linalg.slogdet(whole)[1])
    entropy = 0.5 * np.linalg.slogdet(whole / scale**2)[1]
    known = [kl + entropy, entropy, kl, correlation, kl - correlation]
    np.testing.assert_allclose(found[:5], known, atol=0.12)
    np.testing.assert_allclose(found.kl, found.mutual_information + found.aggregate_kl, rtol=1e-9)
    np.testing.assert_allclose(found.aggregate_kl, found.total_correlation + found.dimension_wise_kl, rtol=1e-6)


def test_nothing_depends_on_how_many_pairs_are_in_memory(monkeypatch):
    posteriors = Normal(jax.random.normal(jax.random.key(1), (90, 2)), jnp.ones((90, 2)))
    arguments = (posteriors, repeated(standard_normal(2), 90), drawn(posteriors, 90))
    whole = information(*arguments)
    monkeypatch.setattr("vae_jax.evaluation.latent_space.information.PAIRS_AT_ONCE", 700)
    np.testing.assert_allclose(information(*arguments), whole, rtol=1e-5, atol=1e-6)


def test_a_straight_line_moves_evenly_and_makes_no_detour():
    codes = jnp.linspace(jnp.zeros(3), jnp.ones(3), 21)
    np.testing.assert_allclose(continuity(lambda z: 2 * z + 1, codes), 1, rtol=1e-5)
    np.testing.assert_allclose(continuity(lambda z: jnp.zeros(4), codes), 1)


def test_half_a_circle_is_a_detour_of_half_pi():
    codes = jnp.linspace(0.0, np.pi, 201)[:, None]
    found = continuity(lambda z: {"x": jnp.cos(z), "y": jnp.sin(z)}, codes)
    np.testing.assert_allclose([found.largest_step, found.detour], [1, np.pi / 2], rtol=1e-3)


def test_points_of_the_same_kind_are_seldom_far():
    points, others, asked = np.random.default_rng(0).normal(size=(3, 2_000, 3))
    assert 0.002 < share_far_from(points, others, asked) < 0.03
    assert share_far_from(points, others, asked + 20) == 1
    with pytest.raises(ValueError, match="expected at least 100 others for their quantile; got 99"):
        share_far_from(points, others[:99], asked)


def test_a_model_that_is_exact_has_an_orderly_latent_space(known):
    """Its codes are draws from its prior, and what it draws has the bound of the data, which it drew."""
    fit = lambda params: Fitted(known.model.bind(params), elbo, lambda key, stored: stored)
    rng = np.random.default_rng(1)
    z = rng.normal(size=(2, 400, known.decoder.shape[1]))
    data = (z @ known.decoder.T + 0.6 * rng.normal(size=(2, 400, known.decoder.shape[0]))).astype(np.float32)
    order = latent_order(fit)
    found = order(known.exact, *data)
    assert found["share_in_holes"] < 0.05
    assert found["share_out_of_reach"] < 0.05
    np.testing.assert_allclose([found["largest_step"], found["detour"]], 1, rtol=1e-3)
    assert abs(found["bound_of_own"] - found["bound_of_data"]) < 0.5
    assert found["information"]["aggregate_kl"] < 0.3
    shifted = {name: 4 * value if name == "encoder" else value for name, value in known.exact.items()}
    apart = order(shifted, *data)
    assert apart["information"]["aggregate_kl"] > 3
    assert max(apart["share_in_holes"], apart["share_out_of_reach"]) > 0.15
