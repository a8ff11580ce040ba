"""Linear models, whose answers are matrix products, and PCA as a model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax import pca as closed_form
from vae_jax.distributions import Normal, PointMass
from vae_jax.models import linear, linear_autoencoder, pca

KEY = jax.random.key(0)
SHAPE = (3, 2)
X = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
Z = jnp.array([0.5, -1.0])
MEAN = np.arange(6, dtype=np.float32).reshape(SHAPE)


def matrices(params):
    return (np.asarray(params[name], float) for name in ("encoder", "decoder", "mean"))


def test_the_linear_vae_is_its_formulas():
    model = linear(SHAPE, latent_size=2, mean=MEAN)
    params = model.init(KEY) | {"log_scale": jnp.array([0.1, -0.4]), "log_noise_scale": jnp.asarray(-0.7)}
    vae, (encoder, decoder, mean) = model.bind(params), matrices(params)
    np.testing.assert_array_equal(mean, MEAN.reshape(-1))
    posterior, likelihood = vae.posterior(X), vae.likelihood(Z)
    np.testing.assert_allclose(posterior.loc, encoder.T @ (X.reshape(-1) - mean), rtol=1e-5)
    np.testing.assert_allclose(posterior.scale, np.exp([0.1, -0.4]), rtol=1e-6)
    np.testing.assert_allclose(likelihood.loc, (decoder @ np.asarray(Z) + mean).reshape(SHAPE), rtol=1e-5)
    np.testing.assert_allclose(likelihood.scale, np.exp(-0.7), rtol=1e-6)
    assert vae.prior.mean().shape == (2,)


def test_the_noise_is_learned_from_one_or_fixed():
    assert float(linear(SHAPE, latent_size=2).init(KEY)["log_noise_scale"]) == 0
    fixed = linear(SHAPE, latent_size=2, noise_scale=0.3)
    params = fixed.init(KEY)
    assert "log_noise_scale" not in params
    np.testing.assert_allclose(fixed.bind(params).likelihood(Z).scale, 0.3, rtol=1e-6)


def test_the_linear_autoencoder_is_its_formulas():
    model = linear_autoencoder(SHAPE, latent_size=2, mean=1.5)
    params = model.init(KEY)
    vae, (encoder, decoder, mean) = model.bind(params), matrices(params)
    np.testing.assert_array_equal(mean, np.full(6, 1.5))
    posterior, likelihood = vae.posterior(X), vae.likelihood(Z)
    assert type(posterior) is PointMass
    np.testing.assert_allclose(posterior.value, encoder.T @ (X.reshape(-1) - 1.5), rtol=1e-5, atol=1e-6)
    assert type(likelihood) is Normal
    np.testing.assert_allclose(likelihood.loc, (decoder @ np.asarray(Z) + 1.5).reshape(SHAPE), rtol=1e-5)
    np.testing.assert_array_equal(likelihood.scale, 1)


@pytest.mark.parametrize("make", [linear, linear_autoencoder])
def test_encoder_and_decoder_start_apart(make):
    encoder, decoder, _ = matrices(make(SHAPE, latent_size=2).init(KEY))
    assert encoder.shape == decoder.shape == (6, 2)
    assert np.abs(encoder - decoder).max() > 0.01


def test_the_pca_model_is_pca():
    examples = np.random.default_rng(1).normal(size=(20, *SHAPE)).astype(np.float32)
    model = pca(examples, latent_size=2)
    vae = model.bind(model.init(KEY))
    solution = closed_form.pca(examples.reshape(20, 6), 2)
    code = vae.posterior(X).mean()
    np.testing.assert_allclose(code, closed_form.encode(solution, X.reshape(-1)), rtol=1e-5, atol=1e-6)
    again = vae.likelihood(code).mean()
    np.testing.assert_allclose(again, closed_form.decode(solution, code).reshape(SHAPE), rtol=1e-5, atol=1e-6)

    # Against numpy: the reconstruction is the projection on the two leading eigenvectors.
    flat = examples.reshape(20, 6).astype(float)
    _, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
    leading, mean = vectors[:, -2:], flat.mean(axis=0)
    projected = mean + leading @ leading.T @ (X.reshape(-1) - mean)
    np.testing.assert_allclose(again.reshape(-1), projected, rtol=1e-3, atol=1e-4)


def test_pca_does_not_depend_on_the_key():
    model = pca(np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32), latent_size=2)
    jax.tree.map(np.testing.assert_array_equal, model.init(KEY), model.init(jax.random.key(1)))
