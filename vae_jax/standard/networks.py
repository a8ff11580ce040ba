"""Networks and models of the sizes that a config states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.numpy import shape as shape_of
from jaxtyping import ArrayLike

from vae_jax.models import architectures
from vae_jax.models import conditional as conditional_model
from vae_jax.models.likelihoods import Likelihood
from vae_jax.networks import Network, activation, joined, mlp, of_first
from vae_jax.standard.config import ConvolutionalVae, FullyConnected, LearnedScale
from vae_jax.vae import Model

INITIAL_DEVIATIONS = 0.5
"""The start of a learned noise, in standard deviations of the data."""


def fully_connected(config: FullyConnected, mean: ArrayLike, likelihood: Likelihood, **options: Any) -> Model:
    """The model of `models.fully_connected`, of a config's sizes.

    Args:
        config: The sizes.
        mean: The mean of the examples as the model sees them, which the decoder predicts before it is trained.
        likelihood: The family of p(x|z).
        **options: Further options of `models.fully_connected`, such as the posterior.
    """
    return architectures.fully_connected(
        mean,
        likelihood,
        latent_size=config.latent_size,
        hidden_sizes=config.hidden_sizes,
        activation=config.activation,
        **options,
    )


def convolutional(config: ConvolutionalVae, mean: ArrayLike, likelihood: Likelihood, **options: Any) -> Model:
    """The model of `models.convolutional`, of a config's sizes; arguments as those of `fully_connected`."""
    return architectures.convolutional(
        mean,
        likelihood,
        latent_size=config.latent_size,
        channels=config.channels,
        activation=config.activation,
        **options,
    )


def initial_scale(config: LearnedScale, deviation: float) -> float:
    """The scale at which the learned noise of a likelihood begins: a config's, or else half the data's deviation.

    A mean of three seeds, on grey MNIST (4,000 digits, 1,500 steps): from 0.1, 0.3, 0.5, 1 and 3.3 deviations 7.27,
    7.18, 7.17, 7.16 and 7.44 bits a pixel; on a standardised table (`vae_table`, 900 steps) from 0.1, 0.3, 0.5 and 1
    deviations an NLL of 117.8, 30.8, 27.9 and 27.5 nats.

    Args:
        config: The config, which may state the scale.
        deviation: The standard deviation of values around their mean as the model sees them: `data.deviation()` of
            scaled ones, 1 of standardised ones.
    """
    return INITIAL_DEVIATIONS * deviation if config.initial_scale is None else config.initial_scale


def conditional(
    config: FullyConnected,
    mean: ArrayLike,
    likelihood: Likelihood,
    condition_size: int,
    *,
    prior_hidden_sizes: Sequence[int] | None = None,
    decoder_is_told: bool = True,
) -> Model:
    """The model of `models.conditional`, of a config's sizes, for conditions that are vectors.

    The encoder meets the condition behind its first layer, so that several conditions of an example share that layer.

    Args:
        config: The sizes.
        mean: The mean of the examples as the model sees them, which the decoder predicts before it is trained.
        likelihood: The family of p(x|z, c).
        condition_size: The number of entries of a condition; K for one-hot labels.
        prior_hidden_sizes: Widths of the hidden layers of p(z|c), () for a linear map; None for a prior that is not
            told the condition.
        decoder_is_told: Whether the decoder is told the condition, and not z alone.
    """
    first_size, *rest = config.hidden_sizes
    first = mlp(shape_of(mean), (first_size,), (), config.activation)
    act = activation(config.activation)
    first = first._replace(apply=lambda params, x, apply=first.apply: act(apply(params, x)))
    head = mlp((first_size + condition_size,), (2 * config.latent_size,), rest, config.activation)
    decoder = mlp(
        (config.latent_size + (condition_size if decoder_is_told else 0),),
        likelihood.output_shape(shape_of(mean)),
        config.hidden_sizes[::-1],
        config.activation,
        output_bias=likelihood.output_bias(mean),
    )
    prior = None
    if prior_hidden_sizes is not None:
        prior = mlp((condition_size,), (2 * config.latent_size,), prior_hidden_sizes, config.activation)
    return conditional_model(
        joined(head, first=first),
        joined(decoder) if decoder_is_told else of_first(decoder),
        likelihood,
        latent_size=config.latent_size,
        prior=prior,
    )


def encoder(config: FullyConnected, input_shape: tuple[int, ...], output_size: int) -> Network:
    """The encoder of a config's sizes, for a model whose parts are put together one by one."""
    return mlp(input_shape, (output_size,), config.hidden_sizes, config.activation)


def decoder(config: FullyConnected, likelihood: Likelihood, mean: ArrayLike, shape: tuple[int, ...]) -> Network:
    """The decoder that mirrors such an encoder.

    Args:
        config: The sizes.
        likelihood: The family of p(x|z), whose parameters the decoder makes.
        mean: The mean of the examples, which it predicts before it is trained.
        shape: The shape of an example.
    """
    return mlp(
        (config.latent_size,),
        likelihood.output_shape(shape),
        config.hidden_sizes[::-1],
        config.activation,
        output_bias=likelihood.output_bias(mean),
    )
