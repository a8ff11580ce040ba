"""The usual architectures: sizes that fit each other, and the data's mean before training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.models import convolutional, fully_connected, gaussian, likelihoods, posteriors, residual
from vae_jax.networks import mlp

KEY = jax.random.key(0)
MEAN = np.random.default_rng(0).uniform(0.1, 0.9, (8, 4)).astype(np.float32)
COLOUR = np.random.default_rng(1).uniform(0.1, 0.9, (8, 4, 3)).astype(np.float32)

MODELS = {
    "fully connected": lambda **more: fully_connected(MEAN, **more, hidden_sizes=(5, 6)),
    "residual": lambda **more: residual(MEAN, **more, width=6, num_blocks=2),
    "convolutional": lambda **more: convolutional(MEAN, **more, channels=(3, 4)),
    "convolutional, colour": lambda **more: convolutional(COLOUR, **more, channels=(3,)),
}
models = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())


@models
@pytest.mark.parametrize("likelihood", [likelihoods.bernoulli(), likelihoods.gaussian_with_scale_per_pixel()])
def test_at_the_origin_it_begins_by_predicting_the_mean(make, likelihood):
    """The activations of nothing are nothing, so that the last bias alone is left."""
    model = make(likelihood=likelihood, latent_size=2)

    @jax.jit
    def mean_and_code(key):
        vae = model.bind(model.init(key))
        mean = vae.likelihood(jnp.zeros(2)).mean()
        return mean, vae.posterior(mean).mean()

    mean, code = mean_and_code(KEY)
    np.testing.assert_allclose(mean, MEAN if mean.ndim == 2 else COLOUR, rtol=1e-5)
    assert code.shape == (2,)


@pytest.mark.parametrize(
    ("posterior", "shape"),
    [
        (posteriors.diagonal(), (3,)),
        (posteriors.full_covariance(), (3,)),
        (posteriors.point_mass(), (3,)),
        (posteriors.concrete(4, 0.5), (3, 4)),
    ],
)
def test_any_posterior_fits(posterior, shape):
    model = fully_connected(MEAN, likelihoods.bernoulli(), latent_size=3, hidden_sizes=(5,), posterior=posterior)
    vae = model.bind(model.init(KEY))
    z = vae.posterior(jnp.asarray(MEAN)).sample(KEY)
    assert z.shape == shape
    assert vae.likelihood(z).mean().shape == MEAN.shape


def test_it_is_the_model_of_two_perceptrons_wired_by_hand():
    by_hand = gaussian(
        mlp((8, 4), (6,), (5, 7), "tanh"),
        mlp((3,), (8, 4), (7, 5), "tanh", output_bias=likelihoods.bernoulli().output_bias(MEAN)),
        likelihoods.bernoulli(),
        latent_size=3,
    )
    model = fully_connected(MEAN, likelihoods.bernoulli(), latent_size=3, hidden_sizes=(5, 7), activation="tanh")
    jax.tree.map(np.testing.assert_array_equal, model.init(KEY), by_hand.init(KEY))


@models
def test_in_bfloat16_it_predicts_nearly_the_same(make):
    """From the same parameters, which stay float32; that the prediction differs shows that it was rounded."""
    full, rounded = (
        make(likelihood=likelihoods.bernoulli(), latent_size=2, precision=dtype) for dtype in (None, "bfloat16")
    )
    params = jax.jit(full.init)(KEY)
    jax.tree.map(np.testing.assert_array_equal, params, jax.jit(rounded.init)(KEY))
    expected, got = (
        jax.jit(lambda model=model: model.bind(params).likelihood(jnp.ones(2)).mean())() for model in (full, rounded)
    )
    assert got.dtype == jnp.float32
    assert 0 < jnp.abs(got - expected).max() < 0.01


def test_images_that_cannot_be_halved_so_often_are_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        convolutional(MEAN, likelihoods.bernoulli(), latent_size=2, channels=(3, 3, 3)).init(KEY)
