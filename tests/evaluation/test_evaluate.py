"""What is validated is what is reported, in nats, with the right signs."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax import data
from vae_jax.distributions import Bernoulli, Normal, PointMass, standard_normal
from vae_jax.evaluation import bits_per_dim, bound_evaluator, evaluate, standard_error
from vae_jax.evaluation.reported import NOT_A_LIKELIHOOD
from vae_jax.objectives import autoencoder, elbo
from vae_jax.training.metrics import plain
from vae_jax.vae import VAE, Model


def as_stored(key, example):
    return example


@pytest.fixture(scope="module")
def of_exact(known):
    return evaluate(known.model, elbo, as_stored, known.exact, known.examples, num_samples=20)


@pytest.fixture(scope="module")
def of_wrong(known):
    return evaluate(known.model, elbo, as_stored, known.wrong, known.examples, num_samples=200)


def test_the_nll_is_minus_log_p_and_the_bound_is_below(known, of_exact, of_wrong):
    """pythae's `get_nll` returns the log-likelihood. Here the NLL is a loss, of the sign that its name says."""
    nll = -known.log_prob.mean()
    assert nll > 1
    np.testing.assert_allclose(of_exact["nll"], nll, rtol=1e-4)
    np.testing.assert_allclose(of_wrong["nll"], nll, atol=0.05)
    np.testing.assert_allclose(of_exact["nll_standard_error"], known.log_prob.std(ddof=1) / math.sqrt(37), rtol=1e-3)
    assert of_wrong["elbo"] < -of_wrong["nll"] - 0.05
    # The bound of an exact posterior is log p(x) − 0, within the noise of its one sample.
    assert abs(of_exact["elbo"] + nll) < 5 * of_exact["elbo_standard_error"]


def test_the_terms_add_up(of_wrong):
    np.testing.assert_allclose(of_wrong["elbo"], of_wrong["log_likelihood"] - of_wrong["kl"], rtol=1e-5)
    np.testing.assert_allclose(sum(of_wrong["kl_per_dimension"]), of_wrong["kl"], rtol=1e-5)
    assert of_wrong["kl"] > 0


def test_what_the_numbers_are_of_is_said(known, of_wrong):
    assert of_wrong["num_examples"] == 37
    assert of_wrong["num_samples"] == 200
    assert of_wrong["seed"] == 0
    assert of_wrong["latent_size"] == 2
    assert of_wrong["active_units"] == 2
    assert 1 <= of_wrong["effective_sample_size"] <= 200
    assert of_wrong["notes"] == []
    np.testing.assert_allclose(of_wrong["bits_per_dim"], of_wrong["nll"] / 5 / math.log(2), rtol=1e-6)
    json.dumps(plain(of_wrong), allow_nan=False)


def test_the_squared_error_is_that_of_the_mean_decoded_from_the_mean_code(known, of_wrong):
    codes = known.examples @ np.asarray(known.wrong["encoder"]).T
    errors = ((codes @ np.asarray(known.wrong["decoder"]).T - known.examples) ** 2).sum(axis=1)
    np.testing.assert_allclose(of_wrong["squared_error"], errors.mean(), rtol=1e-5)


def test_validation_and_evaluation_are_the_same_number(known, of_wrong):
    """One function, one seed: what keeps the best is what is reported."""
    validated = bound_evaluator(known.model, elbo, as_stored)(known.wrong, known.examples)
    assert validated["value"] == of_wrong["elbo"]
    assert validated["value_standard_error"] == of_wrong["elbo_standard_error"]
    for name in ("kl", "log_likelihood", "squared_error", "active_units", "kl_per_dimension"):
        assert validated[name] == of_wrong[name]


def test_validation_repeats_itself_to_the_bit_and_does_not_depend_on_the_batch_size(known, of_wrong):
    for batch_size in (5, 37):
        validate = bound_evaluator(known.model, elbo, as_stored, batch_size=batch_size)
        first = validate(known.wrong, known.examples)
        assert validate(known.wrong, known.examples) == first
        np.testing.assert_allclose(first["value"], of_wrong["elbo"], rtol=1e-6)
    other = bound_evaluator(known.model, elbo, as_stored, seed=1)(known.wrong, known.examples)
    assert other["value"] != of_wrong["elbo"]


def test_a_point_mass_has_no_bound_and_no_likelihood_and_says_why(known):
    vae = VAE(lambda x: PointMass(x[:2]), lambda z: Normal(jnp.tile(z.mean(), 5), jnp.ones(())), standard_normal(2))
    result = evaluate(Model(lambda key: (), lambda _: vae), autoencoder, as_stored, (), known.examples, num_samples=5)
    missing = ("elbo", "elbo_standard_error", "nll", "nll_standard_error", "bits_per_dim", "kl", "kl_per_dimension")
    assert [result[name] for name in (*missing, "num_samples", "effective_sample_size")] == [None] * 9
    assert result["notes"] == [
        "an autoencoder's code has no density, so there is no bound and no likelihood of the data"
    ]
    reconstructed = known.examples[:, :2].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(
        result["squared_error"], ((known.examples - reconstructed) ** 2).sum(axis=1).mean(), rtol=1e-5
    )
    expected = -0.5 * result["squared_error"] - 2.5 * math.log(2 * math.pi)
    np.testing.assert_allclose(result["log_likelihood"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("transform", "notes"),
    [
        (data.scale(16), [NOT_A_LIKELIHOOD]),
        (data.binarise_dynamically(16), []),
        (data.binarise_statically(16), []),
    ],
    ids=["grey", "dynamic", "static"],
)
def test_grey_levels_under_a_bernoulli_likelihood_are_called_what_they_are(transform, notes):
    vae = VAE(lambda x: Normal(x[:1], jnp.ones(1)), lambda z: Bernoulli(jnp.tile(z, 4)), standard_normal(1))
    examples = np.random.default_rng(0).integers(0, 17, size=(10, 4)).astype(np.uint8)
    result = evaluate(Model(lambda key: (), lambda _: vae), elbo, transform.apply, (), examples, num_samples=3)
    assert result["notes"] == notes


def test_a_collapsed_posterior_has_no_active_units(known):
    model = Model(
        lambda key: (), lambda _: known.model.bind(known.exact)._replace(posterior=lambda x: standard_normal(2))
    )
    result = evaluate(model, elbo, as_stored, (), known.examples, num_samples=3)
    assert result["active_units"] == 0
    np.testing.assert_allclose(result["kl"], 0, atol=1e-6)


def test_bits_per_dim_are_of_the_stored_values():
    """A density of x = stored/255 is 255 times that of the stored value, in each dimension."""
    nll = 10.0
    stored_nll = nll + 4 * math.log(255)
    np.testing.assert_allclose(bits_per_dim(nll, 4, -4 * math.log(255)), stored_nll / 4 / math.log(2))
    np.testing.assert_allclose(bits_per_dim(8 * math.log(2), 8), 1)
    uniform = bits_per_dim(0.0, 7, float(data.scale(255).log_det(jnp.zeros(7))))
    np.testing.assert_allclose(uniform, math.log2(255))


def test_bits_per_dim_take_the_transform_s_log_det_of_each_example(known, of_exact):
    """Here it is −(4 log 2) per dimension, and the sum of the entries of x."""
    log_det = lambda x: -x.size * math.log(16) + x.sum()
    corrected = evaluate(known.model, elbo, as_stored, known.exact, known.examples, num_samples=20, log_det=log_det)
    expected = of_exact["bits_per_dim"] + 4 - known.examples.sum(axis=1).mean() / known.examples.shape[1] / math.log(2)
    np.testing.assert_allclose(corrected["bits_per_dim"], expected, rtol=1e-5)
    assert corrected["nll"] == of_exact["nll"]


def test_the_standard_error_is_that_of_a_mean():
    values = np.random.default_rng(0).normal(size=50).astype(np.float32)
    np.testing.assert_allclose(standard_error(values), values.astype(float).std(ddof=1) / math.sqrt(50))
    assert standard_error(np.array([3.0])) == 0


def test_the_mean_of_many_is_as_exact_as_each():
    """A float32 running sum over 100,000 values of −1,000 would be off by more than 1e-3."""
    vae = VAE(lambda x: Normal(x, jnp.ones(1)), lambda z: Normal(z, jnp.ones(1)), standard_normal(1))

    def bound(key, vae, x):
        return -1_000.0 + 0 * x.sum() + jax.random.uniform(key), {}

    model = Model(lambda key: (), lambda _: vae)
    examples = np.zeros((20_000, 1), np.float32)
    value = bound_evaluator(model, bound, as_stored, batch_size=20_000)((), examples)["value"]
    noise = bound_evaluator(model, lambda key, vae, x: (jax.random.uniform(key), {}), as_stored, batch_size=20_000)
    np.testing.assert_allclose(value + 1_000, noise((), examples)["value"], atol=3e-5)  # half a unit in −1,000's place
