"""Bounds on log p(x) from both sides, against log p(x) that is known; weights and what they say."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import genpareto, multivariate_normal
from tables import long_but

from vae_jax.distributions import Categorical, Concrete, Normal, PointMass, SphericalUniform, standard_normal
from vae_jax.evaluation import (
    Annealing,
    Fitted,
    annealed,
    certifier,
    fitted_proposal,
    flat,
    importance_sampled_log_likelihood,
    of_weights,
    pareto_k,
    two_sided,
)
from vae_jax.evaluation.every_example import over_stored
from vae_jax.evaluation.evidence.annealed import simulating
from vae_jax.evaluation.evidence.certificate import ANNEALED, ENCODER, FITTED, in_digits, summary
from vae_jax.objectives import elbo
from vae_jax.vae import VAE

SIZE, LATENT_SIZE, SCALE, NUM = 6, 3, 0.5, 16


def linear(decoder):
    """p(x|z) = N(Wz, σ²): W is the parameters."""
    return Fitted(
        VAE(
            lambda x: Normal(0.1 * x[:LATENT_SIZE], jnp.full(LATENT_SIZE, 0.6)),
            lambda z: Normal(decoder @ z, jnp.full(SIZE, SCALE)),
            standard_normal(LATENT_SIZE),
        ),
        elbo,
        lambda key, stored: stored,
    )


@pytest.fixture(scope="module")
def own_examples():
    """The examples that a model draws itself, and the mean of their log p(x)."""
    fit = simulating(linear)
    drawn = over_stored(lambda transform_key, key, params, stored: fit(params).at(transform_key, stored)[1])

    def of(decoder, num=NUM):
        examples = drawn(decoder, np.zeros((num, SIZE), np.float32))
        covariance = decoder @ decoder.T + SCALE**2 * np.eye(SIZE)
        return multivariate_normal(np.zeros(SIZE), covariance).logpdf(examples.astype(float))

    return of


def decoders(num):
    rng = np.random.default_rng(0)
    for _ in range(num):
        yield (rng.normal(size=(SIZE, LATENT_SIZE)) * rng.uniform(0.3, 2)).astype(np.float32)


@pytest.mark.parametrize("num_models", long_but([10, 100], 10))
def test_the_interval_holds_the_truth_and_shrinks_with_the_number_of_temperatures(own_examples, num_models):
    widths, lags = [], []
    for temperatures in (40, 160):
        bounds = annealed(linear, Annealing(4, temperatures, 3), simulated=True)
        held, gaps, off = 0, [], []
        for decoder in decoders(num_models):
            found, truth = bounds(decoder, np.zeros((NUM, SIZE), np.float32)), own_examples(decoder).mean()
            interval = two_sided(found.lower, found.upper)
            held += interval.lower <= truth <= interval.upper
            gaps.append(np.mean(found.upper - found.lower))
            off.append(abs(found.thermodynamic.mean() - truth))
        assert held >= 0.99 * num_models
        widths.append(np.mean(gaps))
        lags.append(np.mean(off))
    # 1/T would be a quarter; forty temperatures are too few for the integral to fall as fast.
    assert widths[1] < widths[0] / 3
    assert lags[1] < lags[0] / 2


def test_all_estimates_agree_where_the_posterior_is_normal(known):
    """The gap, too: a normal fits the true posterior, so all that is lost is the encoder's."""
    fit = lambda params: Fitted(known.model.bind(params), elbo, lambda key, stored: stored)
    annealing = Annealing(8, 200, 5)
    found = certifier(fit, num_samples=400, annealing=annealing)(known.wrong, known.examples)
    result, truth = summary(found), known.log_prob.mean()
    assert list(result["estimates"]) == [ENCODER, FITTED, ANNEALED]
    for estimate in result["estimates"].values():
        assert abs(estimate["log_likelihood"] - truth) < 5 * estimate["error"] + 0.02
    assert abs(result["gap"]["approximation"]) < 0.02
    assert result["estimates"][FITTED]["is_trusted"]
    loc, scale = (known.exact[name] for name in ("encoder", "scale"))
    ratio = np.asarray(known.wrong["scale"] / scale)
    shift = 0.3 * known.examples @ np.asarray(loc).T / np.asarray(scale)
    kl = (0.5 * (ratio**2 - 1 + shift**2) - np.log(ratio)).sum(axis=1).mean()
    assert abs(result["gap"]["amortisation"] - kl) < 0.1
    assert result["interval"] is None


def test_a_fitted_proposal_is_the_exact_posterior_and_its_weights_are_equal(known):
    estimate = importance_sampled_log_likelihood(
        known.model.bind, lambda key, stored: stored, num_samples=50, propose=fitted_proposal
    )
    found = estimate(known.wrong, known.examples[:9])
    assert (np.abs(found.estimate - known.log_prob[:9]) < 5 * found.standard_error + 1e-4).all()
    assert (found.effective_sample_size > 48).all()
    np.testing.assert_allclose(found.elbo, known.log_prob[:9], atol=0.05)


@pytest.mark.parametrize(
    "prior",
    [Categorical(jnp.zeros((2, 3))), Concrete(jnp.zeros(3), 0.5), SphericalUniform(3), PointMass(jnp.zeros(3))],
    ids=lambda prior: type(prior).__name__,
)
def test_latents_that_are_no_real_numbers_are_refused(prior):
    vae = VAE(lambda x: prior, lambda z: Normal(jnp.sum(z), jnp.ones(1)), prior)
    with pytest.raises(TypeError, match=f"expected latents that may be any real numbers.*{type(prior).__name__}"):
        flat(vae, jnp.zeros(1))


def test_too_few_examples_for_an_interval_are_refused():
    with pytest.raises(ValueError, match="expected at least 2 examples for an interval; got 1"):
        two_sided(np.zeros(1), np.ones(1))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("chains", 1, "expected chains of at least 2; got 1"),
        ("temperatures", 1, "expected temperatures of at least 2; got 1"),
        ("leapfrog_steps", -1, "expected leapfrog_steps of at least 1; got -1"),
        ("acceptance", 1.0, r"expected an acceptance between 0 and 1; got 1\.0"),
    ],
)
def test_settings_that_lead_nowhere_are_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        Annealing(**{field: value})


# Weights


def test_k_is_that_of_another_implementation():
    """ArviZ 0.23.4, `psislw`, on the same draws."""
    rng = np.random.default_rng(0)
    draws = [rng.normal(size=1000), 3 * rng.normal(size=1000), rng.standard_t(3, size=500), rng.normal(size=40)]
    theirs = [0.37887791685150535, 0.9162246785969527, 1.7610279985799309, 0.7383555699638028]
    np.testing.assert_allclose([pareto_k(each[None])[0] for each in draws], theirs, rtol=1e-9)


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_k_is_the_shape_of_a_pareto_tail(shape):
    weights = genpareto(shape).rvs(size=(20, 20_000), random_state=np.random.default_rng(0))
    assert abs(pareto_k(np.log(weights)).mean() - shape) < 0.06


def test_k_of_weights_without_a_tail():
    rng = np.random.default_rng(0)
    equal, one_above = np.zeros(100), np.append(np.zeros(99), 5.0)
    rows = np.stack([equal, one_above, np.full(100, -np.inf), rng.normal(size=100)])
    k = pareto_k(rows)
    assert k[0] == 0
    assert k[1] == np.inf
    assert np.isnan(k[2])
    np.testing.assert_allclose(pareto_k(rows[3:] + 1000.0)[0], k[3], rtol=1e-6)
    assert np.isnan(pareto_k(np.zeros((2, 24)))).all()


def test_the_jackknife_removes_the_bias_of_first_order():
    """E w = 1, so log E w = 0; the bias of the estimate is −var(w)/2K and more."""
    rng = np.random.default_rng(0)
    found = of_weights(rng.normal(-0.5, 1.0, size=(20_000, 20)))
    error = found.jackknife.std() / np.sqrt(20_000)
    assert found.estimate.mean() < -0.035
    assert abs(found.jackknife.mean()) < 0.2 * abs(found.estimate.mean()) + 4 * error


def test_the_standard_error_is_the_deviation_of_many_estimates():
    rng = np.random.default_rng(0)
    found = of_weights(rng.normal(0, 0.7, size=(5_000, 200)))
    assert abs(found.standard_error.mean() / found.estimate.std() - 1) < 0.05


def test_one_weight_is_its_own_estimate():
    found = of_weights(np.array([[-3.0], [-np.inf]]))
    assert found.estimate.tolist() == [-3.0, -np.inf]
    assert found.jackknife.tolist() == [-3.0, -np.inf]
    assert found.effective_sample_size.tolist() == [1, 1]
    assert np.isnan(found.standard_error).all()


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (-86.4613, 0.034, "-86.46 ± 0.04"),
        (-86.4613, 0.1, "-86.5 ± 0.1"),
        (-86.4613, 11.0, "-86 ± 11"),
        (-86.4613, 0.00001, "-86.4613 ± 0.0001"),
        (-86.4613, 0.099, "-86.46 ± 0.10"),
        (-86.4613, np.inf, "-86"),
    ],
)
def test_no_digit_is_printed_that_the_error_does_not_support(value, error, words):
    assert in_digits(value, error) == words
