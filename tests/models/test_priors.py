"""Priors that are learned with the model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax import flows
from vae_jax.distributions import Mixture, Normal, kl_divergence, standard_normal
from vae_jax.flows import Transformed
from vae_jax.hierarchy import Group, top_down, top_of
from vae_jax.models import (
    autoencoder,
    gaussian,
    likelihoods,
    posteriors,
    variational,
    with_flow_prior,
    with_learned_normal_prior,
    with_mixture_prior,
    with_vamp_prior,
)
from vae_jax.networks import mlp
from vae_jax.objectives import elbo, sampled_kl
from vae_jax.vae import Model, draw

KEY = jax.random.key(0)
X = jnp.linspace(0.0, 1.0, 6)
PLAIN = gaussian(mlp((6,), (4,), ()), mlp((2,), (6,), ()), likelihoods.bernoulli(), latent_size=2)


def noise(key):
    return jax.random.uniform(key, (5, 6))


@pytest.mark.parametrize(
    "model",
    [with_learned_normal_prior(PLAIN), with_mixture_prior(PLAIN, 3), with_vamp_prior(PLAIN, noise)],
    ids=["learned normal", "mixture", "vamp"],
)
def test_its_parameters_are_trained_beside_the_model_s(model):
    """One pytree, in which the ELBO has a gradient everywhere; the model's own parameters keep their form."""
    params = model.init(KEY)
    assert set(params) == {"model", "prior"}
    assert jax.tree.structure(params["model"]) == jax.tree.structure(PLAIN.init(KEY))
    gradient = jax.jit(jax.grad(lambda params: elbo(KEY, model.bind(params), X, kl=sampled_kl)[0]))(params)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.isfinite(leaf).all(), path
        assert np.abs(leaf).max() > 0, path
    other = model.init(jax.random.key(1))["prior"]
    if "log_scale" not in other or len(other) > 2:
        assert any(
            (a != b).any() for a, b in zip(jax.tree.leaves(other), jax.tree.leaves(params["prior"]), strict=True)
        )


def test_a_learned_normal_starts_as_the_standard_one_and_keeps_the_closed_form():
    model = with_learned_normal_prior(PLAIN)
    params = model.init(KEY)
    vae = model.bind(params)
    value, plain_value = (elbo(KEY, some, X)[0] for some in (vae, PLAIN.bind(params["model"])))
    np.testing.assert_array_equal(value, plain_value)
    moved = model.bind(params | {"prior": {"loc": jnp.array([1.0, 2.0]), "log_scale": jnp.array([0.5, 0.0])}})
    assert type(moved.prior) is Normal
    np.testing.assert_allclose(moved.prior.scale, np.exp([0.5, 0.0]), rtol=1e-6)


def test_a_vamp_prior_with_one_pseudo_input_is_the_gaussian_kl():
    """p(z) = q(z|u): the average of log q(z|x) − log p(z) is the closed form, within 4.5 standard errors."""
    inputs = jnp.asarray(np.random.default_rng(0).uniform(size=(1, 6)), jnp.float32)
    model = with_vamp_prior(PLAIN, inputs)
    vae = model.bind(model.init(KEY))
    at_input = vae.posterior(inputs[0])
    value = jnp.array([0.3, -1.0])
    np.testing.assert_allclose(vae.prior.log_prob(value), at_input.log_prob(value), rtol=1e-6)
    ratios = jax.jit(jax.vmap(lambda key: sampled_kl(draw(key, vae, X))))(jax.random.split(KEY, 50_000))
    exact = kl_divergence(vae.posterior(X), at_input)
    assert abs(ratios.mean() - exact) < 4.5 * ratios.std() / np.sqrt(50_000)
    assert exact > 10 * ratios.std() / np.sqrt(50_000)


def test_a_vamp_prior_is_the_average_of_the_posteriors_at_squashed_pseudo_inputs():
    inputs = jnp.asarray(np.random.default_rng(0).normal(size=(4, 6)), jnp.float32)
    model = with_vamp_prior(PLAIN, inputs, squash=lambda u: jnp.clip(u, 0, 1))
    params = model.init(KEY)
    np.testing.assert_array_equal(params["prior"]["pseudo_inputs"], inputs)
    vae, value = model.bind(params), jnp.array([0.3, -1.0])
    densities = [np.exp(vae.posterior(jnp.clip(u, 0, 1)).log_prob(value)) for u in inputs]
    np.testing.assert_allclose(np.exp(vae.prior.log_prob(value)), np.mean(densities), rtol=1e-5)


def test_a_vamp_prior_takes_any_family_with_a_density():
    sphere = posteriors.von_mises_fisher()
    decoder = mlp((3,), (6,), ())
    plain = variational(
        mlp((6,), (sphere.size(3),), ()), decoder, likelihoods.bernoulli(), latent_size=3, posterior=sphere
    )
    model = with_vamp_prior(plain, noise)
    value, _ = elbo(KEY, model.bind(model.init(KEY)), X, kl=sampled_kl)
    assert np.isfinite(value)


def test_a_mixture_prior_has_components_of_the_latent_s_shape():
    model = with_mixture_prior(PLAIN, 3)
    prior = model.bind(model.init(KEY)).prior
    assert type(prior) is Mixture
    assert prior.components.loc.shape == prior.components.scale.shape == (3, 2)
    np.testing.assert_array_equal(prior.components.scale, 1)
    assert prior.sample(KEY).shape == prior.mean().shape == (2,)


LADDER = top_down(
    {
        "top": Group(
            lambda params, state: standard_normal(2),
            lambda params, state, x: Normal(params["up"] @ x, jnp.ones(2)),
            lambda params, state, z: z,
        ),
        "bottom": Group(
            lambda params, state: Normal(state, jnp.ones(2)),
            lambda params, state, x: Normal(state + params["up"] @ x, jnp.ones(2)),
            lambda params, state, z: z,
        ),
    },
    start=lambda params: jnp.zeros(2),
    features=lambda params, x: x,
    read=lambda params, state: Normal(params["up"].T @ state, 1.0),
)


@pytest.mark.parametrize(
    ("wrap", "family"),
    [
        (with_learned_normal_prior, Normal),
        (lambda model: with_mixture_prior(model, 3), Mixture),
        (lambda model: with_vamp_prior(model, noise), Mixture),
        (lambda model: with_flow_prior(model, flows.masked_autoregressive(2, 2)), Transformed),
    ],
    ids=["learned normal", "mixture", "vamp", "flow"],
)
def test_of_a_hierarchy_the_prior_of_the_top_group_is_replaced(wrap, family):
    """What draws use, what densities use, and what is learned."""
    model = wrap(Model(lambda key: {"up": jax.random.normal(key, (2, 6))}, LADDER))
    params, x = model.init(KEY), jnp.linspace(0.0, 1.0, 6)
    vae = model.bind(params)
    assert type(top_of(vae.prior)) is family
    one = draw(KEY, vae, x)
    assert type(one.prior.parts["top"]) is family
    assert type(one.prior.parts["bottom"]) is Normal
    np.testing.assert_allclose(one.prior.log_prob(one.z), vae.prior.log_prob(one.z), rtol=1e-5)
    gradient = jax.grad(lambda params: elbo(KEY, model.bind(params), x, kl=sampled_kl)[0])(params)
    learned = gradient["prior"] if "prior" in gradient else gradient["flow"]
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(learned))


@pytest.mark.parametrize("wrap", [with_learned_normal_prior, lambda model: with_mixture_prior(model, 3)])
def test_a_prior_of_another_family_is_refused_when_it_is_wrapped(wrap):
    with pytest.raises(TypeError, match="expected a model with a normal prior to replace; got Mixture; use a model of"):
        wrap(with_mixture_prior(PLAIN, 2))


def test_what_has_no_density_or_no_component_is_refused():
    codes = autoencoder(mlp((6,), (2,), ()), mlp((2,), (6,), ()), likelihoods.gaussian(), latent_size=2)
    with pytest.raises(TypeError, match="expected a model whose posterior has a density; got a PointMass, of which no"):
        with_vamp_prior(codes, noise)
    with pytest.raises(ValueError, match="expected at least one of num_components; got 0"):
        with_mixture_prior(PLAIN, 0)
    with pytest.raises(ValueError, match="expected at least one of pseudo_inputs; got 0"):
        with_vamp_prior(PLAIN, jnp.zeros((0, 6)))
