"""A grid of latents: its bound in other units is the same, and its channels have mean 0 and scale 1 in them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors_file import write

from vae_jax.distributions import Normal, PointMass, standard_normal
from vae_jax.evaluation import latent_moments
from vae_jax.models import latent_grid, likelihoods, with_standardised_latents, with_weights_of
from vae_jax.networks import Network, autoencoder_kl
from vae_jax.objectives import analytic_kl, elbo, sampled_kl
from vae_jax.untrained import Untrained
from vae_jax.vae import VAE, Model

KEY = jax.random.key(0)
IMAGES = np.random.default_rng(0).uniform(-1, 1, (40, 8, 8, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    """Its networks are a matrix each, and its grid has two channels."""

    def linear(num_inputs, shape, scale):
        size = int(np.prod(shape))
        return Network(
            lambda key: {"weight": scale * jax.random.normal(key, (num_inputs, size)), "bias": jnp.ones(size)},
            lambda params, x: (x.reshape(-1) @ params["weight"] + params["bias"]).reshape(shape),
        )

    encoder, decoder = linear(192, (4, 4, 4), 0.1), linear(32, (8, 8, 3), 0.3)
    return latent_grid(encoder, decoder, likelihoods.gaussian(), shape=(4, 4, 2))


def identity(key, example):
    return example


def test_variances_are_held_in_the_range_of_latent_diffusion(model):
    params = model.init(KEY)
    params["encoder"]["bias"] = jnp.tile(jnp.array([0.0, 0.0, 1e4, -1e4]), 16)
    q = model.bind(params).posterior(IMAGES[0])
    np.testing.assert_allclose(q.scale[..., 0], np.exp(10), rtol=1e-5)
    np.testing.assert_allclose(q.scale[..., 1], np.exp(-15), rtol=1e-5)


@pytest.mark.long
def test_moments_are_those_of_draws(model):
    """Of all examples and places, against a loop over examples."""
    params = model.init(KEY)
    found = latent_moments(model, identity, params, IMAGES)
    q = jax.vmap(model.bind(params).posterior)(jnp.asarray(IMAGES))
    mean = np.asarray(q.loc, float).mean(axis=(0, 1, 2))
    second = (np.asarray(q.scale, float) ** 2 + np.asarray(q.loc, float) ** 2).mean(axis=(0, 1, 2))
    num = 40 * 16
    np.testing.assert_allclose(found.mean, mean, atol=4.5 * np.sqrt(second.max() / num))
    np.testing.assert_allclose(found.scale, np.sqrt(second - mean**2), rtol=4.5 / np.sqrt(2 * num))


def test_moments_of_channels_whose_examples_differ():
    """The law of total variance, where all of it lies between examples, and draws are certain to a millionth."""
    shift = lambda x: jnp.broadcast_to(jnp.array([3.0, -1.0]) + x * jnp.array([2.0, 0.5]), (2, 2, 2))
    vae = VAE(lambda x: Normal(shift(x), jnp.asarray(1e-6)), lambda z: z, standard_normal(2))
    x = np.array([-1.0, 0.0, 1.0], np.float32)
    found = latent_moments(Model(lambda key: (), lambda _: vae), identity, (), x)
    np.testing.assert_allclose(found.mean, [3.0, -1.0], atol=1e-5)
    np.testing.assert_allclose(found.scale, np.array([2.0, 0.5]) * np.sqrt(2 / 3), rtol=1e-5)


@pytest.mark.long
def test_in_other_units_the_bound_is_the_same_and_the_channels_are_standard(model):
    plain = model.init(KEY)
    moments = latent_moments(model, identity, plain, IMAGES)
    standard = with_standardised_latents(model, 2)
    first = standard.init(KEY)
    assert isinstance(first["moments"], Untrained)
    kept = Untrained({name: jnp.asarray(value, jnp.float32) for name, value in moments._asdict().items()})
    params = {"model": plain, "moments": kept}
    first_params = {"model": plain, "moments": first["moments"]}

    @jax.jit
    def bounds(plain, params, first_params):
        vaes = model.bind(plain), standard.bind(params), standard.bind(first_params)
        return [[elbo(KEY, vae, IMAGES[0], kl=kl)[0] for vae in vaes] for kl in (sampled_kl, analytic_kl)]

    for values in bounds(plain, params, first_params):
        np.testing.assert_allclose(values[1:], values[0], rtol=1e-4)
    after = latent_moments(standard, identity, params, IMAGES)
    np.testing.assert_allclose(after.mean, 0.0, atol=1e-5)
    np.testing.assert_allclose(after.scale, 1.0, rtol=1e-5)
    assert np.abs(np.concatenate([moments.mean, moments.scale - 1])).max() > 0.05


@pytest.mark.long
def test_weights_of_a_file_take_their_places(tmp_path):
    networks = autoencoder_kl(channels=(4, 8), num_blocks=1, num_groups=2, latent_channels=2)
    init = jax.jit(latent_grid(*networks, likelihoods.gaussian(), shape=(4, 4, 2)).init)
    params, other = init(KEY), init(jax.random.key(1))
    path = write(tmp_path / "weights.safetensors", jax.tree.map(np.asarray, {**other["encoder"], **other["decoder"]}))
    read = with_weights_of(params, path)
    for leaf, same in zip(jax.tree.leaves(read), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(leaf, same)
    some = jax.tree.map(np.asarray, other["encoder"])
    with pytest.raises(ValueError, match=r"expected a tensor 'decoder\..*got none \(and .* more\)"):
        with_weights_of(params, write(tmp_path / "some.safetensors", some))


def test_latents_without_a_scale_are_refused():
    certain = Model(lambda key: (), lambda _: VAE(PointMass, lambda z: Normal(z, 1.0), standard_normal(2)))
    model = with_standardised_latents(certain, 2)
    with pytest.raises(TypeError, match="expected latents that are Normal; got a PointMass"):
        model.bind(model.init(KEY)).posterior(jnp.zeros(2))
