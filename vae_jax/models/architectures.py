"""The usual architectures: an encoder and a decoder that mirror each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import ArrayLike

from vae_jax.messages import check_sizes
from vae_jax.models import posteriors
from vae_jax.models.amortised import variational
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.posteriors import Posterior
from vae_jax.networks import Network, conv_decoder, conv_encoder, in_precision, mlp, residual_mlp
from vae_jax.vae import Model


def fully_connected(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    latent_size: int,
    hidden_sizes: Sequence[int],
    activation: str = "relu",
    posterior: Posterior | None = None,
    precision: DTypeLike | None = None,
) -> Model:
    """The VAE of two multilayer perceptrons; the decoder has the encoder's hidden layers in reverse.

    Args:
        mean: The mean of the examples as the model sees them, of an example's shape; the decoder predicts it before
            it is trained.
        likelihood: The family of p(x|z) for the decoder's output.
        latent_size: The number of latent dimensions.
        hidden_sizes: Widths of the encoder's hidden layers.
        activation: The activation function between the layers.
        posterior: The family of q(z|x) and its prior; by default a diagonal normal.
        precision: The format that the networks compute in, "bfloat16" or "float32", as in `networks.in_precision`; None
            for the format of their parameters.

    Example:
        >>> from vae_jax.models import likelihoods
        >>> model = fully_connected(jnp.zeros((8, 8)), likelihoods.bernoulli(), latent_size=2, hidden_sizes=(16,))
        >>> model.bind(model.init(jax.random.key(0))).likelihood(jnp.zeros(2)).mean().shape
        (8, 8)
    """

    def make_encoder(input_shape: tuple[int, ...], output_size: int) -> Network:
        return mlp(input_shape, (output_size,), hidden_sizes, activation)

    def make_decoder(code_shape: tuple[int, ...], output_shape: tuple[int, ...], bias: ArrayLike) -> Network:
        return mlp(code_shape, output_shape, hidden_sizes[::-1], activation, output_bias=bias)

    return _mirrored(make_encoder, make_decoder, mean, likelihood, latent_size, posterior, precision)


def residual(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    latent_size: int,
    width: int,
    num_blocks: int,
    activation: str = "relu",
    rematerialise: bool = False,
    posterior: Posterior | None = None,
    precision: DTypeLike | None = None,
) -> Model:
    """The VAE of two deep residual perceptrons, each as in `networks.residual_mlp`.

    Args:
        mean: As in `fully_connected`.
        likelihood: The family of p(x|z) for the decoder's output.
        latent_size: The number of latent dimensions.
        width: Width of the signal in both networks.
        num_blocks: Number of blocks of two layers in each network, ≥ 1.
        activation: The activation function in each block.
        rematerialise: Compute the inside of a block again in the backward pass, instead of keeping it.
        posterior: The family of q(z|x) and its prior; by default a diagonal normal.
        precision: As in `fully_connected`.

    Raises:
        ValueError: If there is no block.
    """

    def make_encoder(input_shape: tuple[int, ...], output_size: int) -> Network:
        return residual_mlp(input_shape, (output_size,), width, num_blocks, activation, rematerialise=rematerialise)

    def make_decoder(code_shape: tuple[int, ...], output_shape: tuple[int, ...], bias: ArrayLike) -> Network:
        return residual_mlp(code_shape, output_shape, width, num_blocks, activation, bias, rematerialise=rematerialise)

    return _mirrored(make_encoder, make_decoder, mean, likelihood, latent_size, posterior, precision)


def convolutional(
    mean: ArrayLike,
    likelihood: Likelihood,
    *,
    latent_size: int,
    channels: Sequence[int],
    activation: str = "relu",
    posterior: Posterior | None = None,
    precision: DTypeLike | None = None,
) -> Model:
    """The VAE of convolutions that halve an image, and of convolutions that double it again, in reverse.

    Args:
        mean: The mean of the images that the model sees, (height, width) or (height, width, colours);
            the decoder predicts it before it is trained. Height and width can be halved once for each convolution.
        likelihood: The family of p(x|z) for the decoder's output.
        latent_size: The number of latent dimensions.
        channels: Channels of the encoder's convolutions.
        activation: The activation function between the layers.
        posterior: The family of q(z|x) and its prior, of a vector; by default a diagonal normal.
        precision: As in `fully_connected`.

    Raises:
        ValueError: If the images cannot be halved so often.
    """

    def make_encoder(input_shape: tuple[int, ...], output_size: int) -> Network:
        return conv_encoder(input_shape, output_size, channels, activation)

    def make_decoder(code_shape: tuple[int, ...], output_shape: tuple[int, ...], bias: ArrayLike) -> Network:
        (code_size,) = code_shape
        return conv_decoder(code_size, output_shape, channels[::-1], activation, output_bias=bias)

    return _mirrored(make_encoder, make_decoder, mean, likelihood, latent_size, posterior, precision)


def _mirrored(
    make_encoder: Callable[[tuple[int, ...], int], Network],
    make_decoder: Callable[[tuple[int, ...], tuple[int, ...], ArrayLike], Network],
    mean: ArrayLike,
    likelihood: Likelihood,
    latent_size: int,
    posterior: Posterior | None,
    precision: DTypeLike | None,
) -> Model:
    """The model of an encoder for two sizes and a decoder for two shapes, whose bias predicts the mean."""
    check_sizes(latent_size=latent_size)
    posterior = posterior or posteriors.diagonal()
    shape = jnp.shape(mean)
    encoder = make_encoder(shape, posterior.size(latent_size))
    decoder = make_decoder(
        _code_shape(posterior, latent_size), likelihood.output_shape(shape), likelihood.output_bias(mean)
    )
    if precision is not None:
        encoder, decoder = in_precision(encoder, precision), in_precision(decoder, precision)
    return variational(encoder, decoder, likelihood, latent_size=latent_size, posterior=posterior)


def _code_shape(posterior: Posterior, latent_size: int) -> tuple[int, ...]:
    """Shape of the decoder's input."""
    return jax.eval_shape(lambda: posterior.code(posterior.prior(latent_size).sample(jax.random.key(0)))).shape
