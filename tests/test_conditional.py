"""A conditional model is a VAE for each condition: objectives, evaluations and pictures have its numbers exactly."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import vae_jax as vj
from vae_jax import generation
from vae_jax.distributions import Normal, standard_normal
from vae_jax.evaluation import bound_evaluator, evaluate, importance_sampled_log_likelihood
from vae_jax.objectives import beta_tcvae, elbo, iwae, over_batch, over_batch_with_optimal_scale
from vae_jax.vae import VAE, Conditional, Model, at_example, condition_and_x, given

KEY = jax.random.key(0)
X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
CONDITIONS = np.random.default_rng(1).normal(size=(12, 3)).astype(np.float32)
BATCH = {"x": X, "condition": CONDITIONS}


def vae_of(condition) -> VAE:
    """x = z + c + noise, z ~ N(c, 1), both of variance 1: p(x|c) = N(2c, 2), and the exact posterior, shifted."""
    return VAE(
        posterior=lambda x: Normal(x / 2 + 0.1 * condition, jnp.full(3, 0.8)),
        likelihood=lambda z: Normal(z + condition, jnp.ones(())),
        prior=Normal(condition, jnp.ones(3)),
    )


BOUND = Conditional(vae_of)
MODEL = Model(lambda key: (), lambda params: BOUND)


def test_every_objective_of_one_example_is_that_of_the_vae_of_its_condition():
    keys = jax.random.split(KEY, len(X))
    for objective in (elbo, partial(iwae, num_samples=3), partial(vj.objectives.vr_max, num_samples=2)):
        values, metrics = over_batch(objective)(KEY, BOUND, BATCH, 0)
        for index in (0, 7):
            alone, of_alone = objective(keys[index], vae_of(CONDITIONS[index]), X[index])
            np.testing.assert_allclose(values[index], alone, rtol=1e-6)
            for name, metric in of_alone.items():
                np.testing.assert_allclose(metrics[name][index], metric, rtol=1e-5, atol=1e-6)


def test_objectives_of_a_batch_meet_conditions_as_well():
    """With the condition held at zero for all, they are the objectives of one VAE."""
    zeros = {"x": X, "condition": np.zeros_like(X)}
    for objective in (partial(beta_tcvae, num_examples=12, beta=3.0), over_batch_with_optimal_scale(elbo)):
        values, _ = objective(KEY, BOUND, zeros, 0)
        expected, _ = objective(KEY, vae_of(jnp.zeros(3)), X, 0)
        np.testing.assert_allclose(values, expected, rtol=1e-5)
    scaled = over_batch_with_optimal_scale(elbo)(KEY, BOUND, BATCH, 0)[1]["optimal_scale"]
    assert np.isfinite(scaled).all()


def test_the_likelihood_is_that_of_the_closed_form():
    """log p(x|c) of N(2c, 2)."""
    estimate = importance_sampled_log_likelihood(MODEL.bind, lambda key, stored: stored, num_samples=4_000)
    found = estimate((), vj.data.Dataset("own", "", {"train": vj.data.Split(BATCH)}, 1).train.examples).estimate
    expected = Normal(2 * CONDITIONS, np.full((12, 3), np.sqrt(2), np.float32))
    exact = jax.vmap(lambda distribution, x: distribution.log_prob(x))(expected, X)
    np.testing.assert_allclose(found, exact, atol=0.1)


def test_an_evaluation_is_the_mean_of_those_of_its_vaes():
    examples = vj.data.Dataset("own", "", {"train": vj.data.Split(BATCH)}, 1).train.examples
    transform = lambda key, stored: stored
    found = evaluate(MODEL, elbo, transform, (), examples, num_samples=10)
    each = []
    for index in range(12):
        alone = Model(lambda key: (), lambda params, index=index: vae_of(CONDITIONS[index]))
        each.append(bound_evaluator(alone, elbo, transform)((), X[index : index + 1])["squared_error"])
    np.testing.assert_allclose(found["squared_error"], np.mean(each), rtol=1e-5)
    np.testing.assert_allclose(found["kl"], sum(found["kl_per_dimension"]), rtol=1e-5)
    assert found["bits_per_dim"] == pytest.approx(found["nll"] / (3 * np.log(2)))


def test_it_is_sampled_and_decoded_under_conditions():
    codes = generation.encode(BOUND, BATCH)
    np.testing.assert_allclose(codes[3], vae_of(CONDITIONS[3]).posterior(X[3]).mean(), rtol=1e-6)
    rebuilt = generation.reconstruct(BOUND, BATCH)
    np.testing.assert_allclose(rebuilt, generation.decode(BOUND, codes, CONDITIONS), rtol=1e-6)
    np.testing.assert_allclose(rebuilt[3], codes[3] + CONDITIONS[3], rtol=1e-6)
    samples = generation.sample(KEY, BOUND, 12, conditions=CONDITIONS)
    noise = generation.sample(KEY, vae_of(jnp.zeros(3)), 12)
    np.testing.assert_allclose(samples, noise + 2 * CONDITIONS, rtol=1e-5, atol=1e-6)
    walk = generation.traversals(BOUND, jax.tree.map(lambda array: array[0], BATCH), 3)
    np.testing.assert_allclose(walk[0, 1], rebuilt[0], rtol=1e-6)


def test_what_is_beside_the_condition_is_modelled_together():
    example = {"x": X[0], "mask": X[0] > 0, "condition": 1}
    condition, x = condition_and_x(BOUND, example)
    assert condition == 1
    assert set(x) == {"x", "mask"}
    vae = vae_of(jnp.zeros(3))
    assert condition_and_x(vae, example) == (None, example)
    assert at_example(vae, example) == (vae, example)
    assert given(vae, None) is vae


@pytest.mark.parametrize(
    ("example", "got"),
    [
        (X[0], "a ndarray"),
        ({"x": X[0]}, "a dict of x"),
        ({"condition": 1}, "a dict of condition"),
        ((X[0], 1), "a tuple"),
    ],
)
def test_an_example_without_a_condition_is_refused(example, got):
    with pytest.raises(
        ValueError, match=f"expected an example of a conditional VAE, a dict of x and condition; got {got}"
    ):
        at_example(BOUND, example)


@pytest.mark.parametrize("field", ["posterior", "likelihood", "prior"])
def test_what_asks_it_for_one_distribution_is_told_to_give_a_condition(field):
    with pytest.raises(TypeError, match=rf"expected a VAE; got a Conditional, whose {field} .*; take given\(c\)"):
        getattr(BOUND, field)
    assert not hasattr(BOUND, "draw")


def test_a_standard_normal_prior_may_be_shared():
    shared = Conditional(lambda c: vae_of(c)._replace(prior=standard_normal(3)))
    assert generation.sample(KEY, shared, 2, conditions=CONDITIONS[:2]).shape == (2, 3)
