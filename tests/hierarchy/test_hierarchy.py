"""Hierarchies: one pass of which a model's three distributions, its draws and its samples follow."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax import generation
from vae_jax.distributions import Categorical, Mixture, Normal, VonMisesFisher, kl_divergence
from vae_jax.hierarchy import Group, at_temperature, informed_by, top_down, top_of, with_top
from vae_jax.objectives import (
    analytic_kl,
    doubly_reparametrised,
    elbo,
    iwae,
    leave_one_out,
    pathwise,
    sampled_kl,
    sticking_the_landing,
)
from vae_jax.vae import VAE, draw

KEY = jax.random.key(0)
X = np.array([1.7, -0.4])


def normal(loc, scale):
    return Normal(loc, jnp.full(loc.shape, scale))


# z₂ ~ N(0, 1), z₁ ~ N(z₂, 1), x ~ N(z₁, 1), in each of two dimensions: x ~ N(0, 3), and the posterior is known.
LADDER = {
    "z2": Group(
        lambda params, state: normal(state, 1.0),
        lambda params, state, x: normal(params["pull"] * x / 3, (2 / 3) ** 0.5),
        lambda params, state, z: z,
    ),
    "z1": Group(
        lambda params, state: normal(state, 1.0),
        lambda params, state, x: normal((state + params["pull"] * x) / 2, 0.5**0.5),
        lambda params, state, z: z,
    ),
}
BIND = top_down(
    LADDER,
    start=lambda params: jnp.zeros(2),
    features=lambda params, x: x,
    read=lambda params, state: normal(state, 1.0),
)
EXACT = {"pull": jnp.ones(2)}
LOG_LIKELIHOOD = float(-np.log(2 * np.pi * 3) - (X**2).sum() / 6)


@pytest.fixture(autouse=True)
def in_float64():
    with jax.enable_x64(True):
        yield


def exact() -> VAE:
    return BIND({"pull": jnp.ones(2)})


@pytest.mark.parametrize("objective", [partial(elbo, kl=sampled_kl), partial(iwae, num_samples=4)])
@pytest.mark.parametrize("seed", range(3))
def test_at_the_exact_posterior_every_draw_is_the_log_likelihood(objective, seed):
    value, _ = objective(jax.random.key(seed), exact(), X)
    np.testing.assert_allclose(value, LOG_LIKELIHOOD, rtol=0, atol=1e-10)


def test_the_joint_draw_agrees_with_the_three_distributions():
    vae = exact()
    one, posterior = draw(KEY, vae, X), vae.posterior(X)
    z, log_posterior = posterior.sample_and_log_prob(KEY)
    jax.tree.map(np.testing.assert_array_equal, one.z, z)
    jax.tree.map(np.testing.assert_array_equal, one.z, posterior.sample(KEY))
    for value in (log_posterior, posterior.log_prob(z), one.posterior.log_prob(z)):
        np.testing.assert_allclose(one.log_posterior, value, atol=1e-12)
    np.testing.assert_allclose(one.prior.log_prob(z), vae.prior.log_prob(z), atol=1e-12)
    np.testing.assert_allclose(one.likelihood.log_prob(X), vae.likelihood(z).log_prob(X), atol=1e-12)


def test_the_closed_form_of_each_group_has_the_expectation_of_the_sampled_kl():
    def both(key):
        one = draw(key, BIND({"pull": jnp.array([0.3, -0.5])}), X)
        return analytic_kl(one), sampled_kl(one)

    closed, sampled = jax.jit(jax.vmap(both))(jax.random.split(KEY, 20_000))
    standard_error = np.std(closed - sampled) / np.sqrt(len(closed))
    assert abs(np.mean(closed - sampled)) < 4.5 * standard_error
    assert np.std(closed) < 0.8 * np.std(sampled)


def test_prior_samples_have_the_covariance_of_the_model():
    z = jax.vmap(exact().prior.sample)(jax.random.split(KEY, 20_000))
    np.testing.assert_allclose(np.cov(z["z2"][:, 0], z["z1"][:, 0]), [[1, 1], [1, 2]], atol=0.06)


def gradient_of(estimator, key, pull):
    def value(pull):
        return elbo(key, BIND({"pull": pull}), X, kl=sampled_kl, num_samples=2, estimator=estimator)[0]

    return jax.grad(value)(pull)


@pytest.mark.parametrize("estimator", [sticking_the_landing, doubly_reparametrised, leave_one_out])
def test_estimators_have_the_expectation_of_the_pathwise_gradient(estimator):
    keys, pull = jax.random.split(KEY, 20_000), jnp.array([0.4, 1.2])
    gradients = [
        jax.jit(jax.vmap(partial(gradient_of, each), in_axes=(0, None)))(keys, pull) for each in (pathwise, estimator)
    ]
    standard_error = np.sqrt(sum(np.var(gradient, axis=0) for gradient in gradients) / len(keys))
    assert (np.abs(np.mean(gradients[0] - gradients[1], axis=0)) < 4.5 * standard_error).all()
    assert (np.abs(np.mean(gradients[0], axis=0)) > 5 * standard_error).any(), "the test would not see a wrong gradient"


def test_the_doubly_reparametrised_gradient_is_zero_at_the_exact_posterior():
    """It reparametrises the whole posterior again, and so has no noise there; the others are noisy."""
    keys = jax.random.split(KEY, 5)
    gradients = jax.vmap(partial(gradient_of, doubly_reparametrised), in_axes=(0, None))(keys, jnp.ones(2))
    np.testing.assert_allclose(gradients, 0, atol=1e-12)


def test_means_are_a_path_and_with_them_the_model_is_encoded_and_decoded():
    means = exact().posterior(X).mean()
    np.testing.assert_allclose(means["z2"], X / 3)
    np.testing.assert_allclose(means["z1"], (X / 3 + X) / 2)
    np.testing.assert_allclose(generation.reconstruct(exact(), X[None])[0], means["z1"])
    assert generation.sample(KEY, exact(), 4).shape == (4, 2)


def test_the_centres_of_groups_on_a_sphere_are_on_it():
    """Each is the direction given the direction above, not given the mean, which lies within."""
    tilt = jnp.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    group = Group(
        lambda params, state: VonMisesFisher(state, jnp.asarray(2.0)),
        lambda params, state, x: VonMisesFisher(state, jnp.asarray(2.0)),
        lambda params, state, z: tilt @ z,
    )
    bind = top_down(
        {"top": group, "bottom": group},
        start=lambda params: jnp.array([1.0, 0.0, 0.0]),
        features=lambda params, x: x,
        read=lambda params, state: normal(state, 1.0),
    )
    vae = bind({})
    centres = generation.encode(vae, jnp.zeros((1, 3)))
    np.testing.assert_allclose(centres["top"][0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(centres["bottom"][0], [0.6, 0.8, 0], atol=1e-12)
    np.testing.assert_allclose(
        generation.reconstruct(vae, jnp.zeros((1, 3)))[0], tilt @ jnp.array([0.6, 0.8, 0.0]), atol=1e-12
    )


def test_another_prior_of_the_top_group_is_the_one_that_draws_and_densities_use():
    prior = Mixture(jnp.zeros(2), Normal(jnp.array([[3.0, 3.0], [-3.0, -3.0]]), jnp.ones((2, 2))))
    vae = exact()
    richer = vae._replace(prior=with_top(vae.prior, prior))
    one = draw(KEY, richer, X)
    expected = prior.log_prob(one.z["z2"]) + normal(one.z["z2"], 1.0).log_prob(one.z["z1"])
    np.testing.assert_allclose(one.prior.log_prob(one.z), expected, atol=1e-12)
    np.testing.assert_allclose(richer.prior.log_prob(one.z), expected, atol=1e-12)
    assert isinstance(top_of(richer.prior), Mixture)
    assert np.abs(jax.vmap(richer.prior.sample)(jax.random.split(KEY, 500))["z2"]).mean() > 2.5


def test_a_flat_distribution_is_its_own_top():
    flat = normal(jnp.zeros(2), 1.0)
    assert top_of(flat) is flat
    assert with_top(normal(jnp.ones(2), 1.0), flat) is flat


def test_a_prior_or_a_likelihood_of_another_kind_is_evaluated_at_the_sample():
    class Flat:
        def log_prob(self, z):
            return -jnp.sum(z["z1"] ** 2)

    wide = exact()._replace(prior=Flat(), likelihood=lambda z: normal(z["z1"], 2.0))
    one = draw(KEY, wide, X)
    np.testing.assert_allclose(one.prior.log_prob(one.z), -np.sum(np.asarray(one.z["z1"]) ** 2))
    np.testing.assert_array_equal(one.likelihood.scale, 2.0)


@pytest.mark.parametrize("temperature", [0.1, 0.7])
def test_at_a_temperature_scales_are_multiplied_in_every_group(temperature):
    cold = at_temperature(exact(), temperature).prior
    z = jax.vmap(cold.sample)(jax.random.split(KEY, 4_000))
    np.testing.assert_allclose(np.std(z["z2"]), temperature, rtol=0.05)
    np.testing.assert_allclose(np.std(z["z1"] - z["z2"]), temperature, rtol=0.05)
    one = jax.tree.map(lambda leaf: leaf[0], z)
    expected = normal(jnp.zeros(2), temperature).log_prob(one["z2"]) + normal(one["z2"], temperature).log_prob(
        one["z1"]
    )
    np.testing.assert_allclose(cold.log_prob(one), expected, atol=1e-12)


def test_the_top_groups_of_an_example_and_the_rest_of_the_prior():
    vae = exact()
    samples = [jax.vmap(informed_by(vae, 9 * X, num).prior.sample)(jax.random.split(KEY, 4_000)) for num in range(3)]
    np.testing.assert_array_equal(samples[0]["z2"], jax.vmap(vae.prior.sample)(jax.random.split(KEY, 4_000))["z2"])
    jax.tree.map(
        np.testing.assert_array_equal, samples[2], jax.vmap(vae.posterior(9 * X).sample)(jax.random.split(KEY, 4_000))
    )
    np.testing.assert_allclose(samples[1]["z2"].mean(axis=0), 3 * X, atol=0.1)
    np.testing.assert_allclose((samples[1]["z1"] - samples[1]["z2"]).mean(axis=0), 0, atol=0.1)


def test_what_cannot_be_is_refused():
    flat = VAE(lambda x: normal(x, 1.0), lambda z: normal(z, 1.0), normal(jnp.zeros(2), 1.0))
    with pytest.raises(TypeError, match="expected a hierarchy made by top_down; got a Normal; use reconstruct"):
        informed_by(flat, X, 1)
    with pytest.raises(ValueError, match="expected between 0 and 2 groups; got 3; take fewer"):
        informed_by(exact(), X, 3)
    with pytest.raises(ValueError, match="expected groups of latents; got none"):
        top_down({}, start=None, features=None, read=None)
    discrete = flat._replace(prior=Categorical(jnp.zeros(3)))
    with pytest.raises(
        TypeError, match="expected a normal prior, whose scale a temperature multiplies; got Categorical"
    ):
        at_temperature(discrete, 0.5)


def test_twelve_groups_cost_what_a_pass_by_hand_costs():
    """Floating-point operations of the gradient, counted by XLA: a second pass anywhere would show."""
    size, names = 128, [f"z{number:02}" for number in range(12)]

    def parts(params, state, h, name):
        weights = params[name]
        prior = normal(weights["prior"] @ state, 1.0)
        return prior, normal(weights["posterior"] @ (state + h), 0.5), lambda z: jnp.tanh(state + weights["down"] @ z)

    def group(name):
        return Group(
            lambda params, state: parts(params, state, jnp.zeros(size), name)[0],
            lambda params, state, h: parts(params, state, h, name)[1],
            lambda params, state, z: parts(params, state, jnp.zeros(size), name)[2](z),
        )

    bind = top_down(
        {name: group(name) for name in names},
        start=lambda params: jnp.zeros(size),
        features=lambda params, x: jnp.tanh(params["up"] @ x),
        read=lambda params, state: normal(params["out"] @ state, 1.0),
    )

    def value(params, x):
        return elbo(KEY, bind(params), x)[0]

    def by_hand(params, x):
        state, kl, keys = jnp.zeros(size), 0.0, jax.random.split(jax.random.split(KEY, 1)[0], len(names))
        h = jnp.tanh(params["up"] @ x)
        for key, name in zip(keys, names, strict=True):
            prior, posterior, down = parts(params, state, h, name)
            kl += kl_divergence(posterior, prior)
            state = down(posterior.sample(key))
        return normal(params["out"] @ state, 1.0).log_prob(x) - kl

    weights = {part: jnp.full((size, size), 0.01) for part in ("prior", "posterior", "down")}
    params = dict.fromkeys(names, weights) | {"up": jnp.ones((size, size)), "out": jnp.ones((size, size))}
    x = jnp.ones(size)
    np.testing.assert_allclose(value(params, x), by_hand(params, x), rtol=1e-12)
    costs = [
        jax.jit(jax.grad(function)).lower(params, x).compile().cost_analysis()["flops"] for function in (value, by_hand)
    ]
    assert costs[0] <= 1.05 * costs[1]
