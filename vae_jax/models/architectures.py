"""The two usual architectures: an encoder and a decoder that mirror each other."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike

from vae_jax.models import posteriors
from vae_jax.models.amortised import variational
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.posteriors import Posterior
from vae_jax.networks import conv_decoder, conv_encoder, mlp
from vae_jax.vae import Model


def fully_connected(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    latent_size: int,
    hidden_sizes: Sequence[int],
    activation: str = "relu",
    posterior: Posterior | None = None,
) -> Model:
    """The VAE of two multilayer perceptrons; the decoder has the encoder's hidden layers in reverse.

    Args:
        mean: The mean of what the model sees, of an example's shape: what the decoder predicts before it is trained.
        likelihood: What the decoder's output means.
        latent_size: The number of latent dimensions.
        hidden_sizes: Widths of the encoder's hidden layers.
        activation: Between them.
        posterior: The family of q(z|x) and its prior; by default a diagonal normal.

    Example:
        >>> from vae_jax.models import likelihoods
        >>> model = fully_connected(jnp.zeros((8, 8)), likelihoods.bernoulli(), latent_size=2, hidden_sizes=(16,))
        >>> model.bind(model.init(jax.random.key(0))).likelihood(jnp.zeros(2)).mean().shape
        (8, 8)
    """
    posterior = posterior or posteriors.diagonal()
    shape, code_shape = jnp.shape(mean), _code_shape(posterior, latent_size)
    return variational(
        mlp(shape, (posterior.size(latent_size),), hidden_sizes, activation),
        mlp(
            code_shape,
            likelihood.output_shape(shape),
            hidden_sizes[::-1],
            activation,
            output_bias=likelihood.output_bias(mean),
        ),
        likelihood,
        latent_size=latent_size,
        posterior=posterior,
    )


def convolutional(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    latent_size: int,
    channels: Sequence[int],
    activation: str = "relu",
    posterior: Posterior | None = None,
) -> Model:
    """The VAE of convolutions that halve an image and of others that double it again, in reverse.

    Args:
        mean: The mean of the images that the model sees, (height, width) or (height, width, colours): what the decoder
            predicts before it is trained. Height and width can be halved once for each convolution.
        likelihood: What the decoder's output means.
        latent_size: The number of latent dimensions.
        channels: Of the encoder's convolutions.
        activation: Between them.
        posterior: The family of q(z|x) and its prior, of a vector; by default a diagonal normal.

    Raises:
        ValueError: If the images cannot be halved so often.
    """
    posterior = posterior or posteriors.diagonal()
    shape, (code_size,) = jnp.shape(mean), _code_shape(posterior, latent_size)
    return variational(
        conv_encoder(shape, posterior.size(latent_size), channels, activation),
        conv_decoder(
            code_size,
            likelihood.output_shape(shape),
            channels[::-1],
            activation,
            output_bias=likelihood.output_bias(mean),
        ),
        likelihood,
        latent_size=latent_size,
        posterior=posterior,
    )


def _code_shape(posterior: Posterior, latent_size: int) -> tuple[int, ...]:
    """Of what the decoder reads."""
    return jax.eval_shape(lambda: posterior.code(posterior.prior(latent_size).sample(jax.random.key(0)))).shape
