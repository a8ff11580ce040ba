"""Models whose posterior comes from an encoder network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Normal, PointMass
from vae_jax.models import autoencoder, gaussian, likelihoods
from vae_jax.networks import Network, mlp
from vae_jax.objectives import autoencoder as reconstruction
from vae_jax.objectives import elbo
from vae_jax.vae import draw

KEY = jax.random.key(0)
X = jnp.linspace(0.0, 1.0, 6).reshape(3, 2)


def linear(matrix, offset=0.0):
    """A network that is a matrix of its own: its answers are known."""
    return Network(
        lambda key: {"matrix": jnp.asarray(matrix)}, lambda params, x: params["matrix"] @ x.reshape(-1) + offset
    )


def test_the_encoder_s_output_is_means_and_log_scales():
    matrix = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    decoder = mlp((2,), (3, 2), ())
    model = gaussian(linear(matrix), decoder, likelihoods.bernoulli(), latent_size=2)
    posterior = model.bind(model.init(KEY)).posterior(X)
    output = matrix @ np.asarray(X).reshape(-1)
    np.testing.assert_allclose(posterior.loc, output[:2], rtol=1e-5)
    np.testing.assert_allclose(posterior.scale, np.exp(output[2:]), rtol=1e-5)


def test_the_prior_is_the_standard_normal_and_the_likelihood_is_the_decoded_code():
    decoder = mlp((2,), (3, 2), (5,))
    model = gaussian(mlp((3, 2), (4,)), decoder, likelihoods.gaussian(0.7), latent_size=2)
    params = model.init(KEY)
    vae, z = model.bind(params), jnp.array([0.3, -1.0])
    np.testing.assert_array_equal(vae.prior.loc, [0, 0])
    np.testing.assert_array_equal(vae.prior.scale, [1, 1])
    np.testing.assert_allclose(vae.likelihood(z).loc, decoder.apply(params["decoder"], z))
    np.testing.assert_allclose(vae.likelihood(z).scale, 0.7)


def test_encoder_and_decoder_start_from_different_keys():
    model = gaussian(mlp((4,), (4,), ()), mlp((4,), (4,), ()), likelihoods.gaussian(), latent_size=2)
    params = model.init(KEY)
    encoder, decoder = (jax.tree.leaves(params[name])[-1] for name in ("encoder", "decoder"))
    assert encoder.shape == decoder.shape
    assert (encoder != decoder).any()


@pytest.mark.parametrize(
    "likelihood",
    [
        likelihoods.bernoulli(),
        likelihoods.gaussian(),
        likelihoods.gaussian_with_learned_scale(),
        likelihoods.gaussian_with_scale_per_pixel(),
    ],
    ids=["bernoulli", "fixed", "learned", "per pixel"],
)
def test_the_elbo_has_a_gradient_in_every_parameter(likelihood):
    decoder = mlp((2,), likelihood.output_shape((3, 2)), (5,), activation="tanh")
    model = gaussian(mlp((3, 2), (4,), (5,), activation="tanh"), decoder, likelihood, latent_size=2)
    gradient = jax.jit(jax.grad(lambda params: elbo(KEY, model.bind(params), X)[0]))(model.init(KEY))
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.isfinite(leaf).all(), path
        assert np.abs(leaf).max() > 0, path


def test_an_autoencoder_has_a_code_without_a_distribution_around_it():
    matrix = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    model = autoencoder(linear(matrix), mlp((2,), (3, 2), ()), likelihoods.gaussian(), latent_size=2)
    vae = model.bind(model.init(KEY))
    assert type(vae.posterior(X)) is PointMass
    np.testing.assert_allclose(draw(KEY, vae, X).z, matrix @ np.asarray(X).reshape(-1), rtol=1e-5)
    value, _ = reconstruction(KEY, vae, X)
    error = ((vae.likelihood(vae.posterior(X).mean()).mean() - X) ** 2).sum()
    np.testing.assert_allclose(value, -0.5 * error - 0.5 * 6 * np.log(2 * np.pi), rtol=1e-5)
    assert type(vae.likelihood(jnp.zeros(2))) is Normal


def test_an_encoder_that_does_not_fit_the_prior_is_refused_with_both_shapes():
    model = gaussian(mlp((3, 2), (6,), ()), mlp((2,), (3, 2), ()), likelihoods.bernoulli(), latent_size=2)
    message = (
        r"expected an encoder that makes a posterior over z of shape \(2,\), as the prior's; got shape \(3,\) from its "
        r"output of shape \(6,\); change its output size"
    )
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda: model.bind(model.init(KEY)).posterior(X))
