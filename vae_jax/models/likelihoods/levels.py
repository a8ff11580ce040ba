"""Pixels with levels, such as bytes: x = k / (K − 1) in [0, 1], as `data.scale` makes them. Their bits are masses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from vae_jax.arithmetic import bounded_exp
from vae_jax.distributions import CategoricalPixels, DiscretisedLogistic, DiscretisedLogisticMixture
from vae_jax.distributions.levels import NUM_LEVELS
from vae_jax.models.likelihoods.likelihood import Likelihood, check_positive, learned_scale, pairs, solve_mean
from vae_jax.types import Params


def discretised_logistic(
    *, num_channels: int = 1, num_levels: int = NUM_LEVELS, initial_scale: float = 0.1
) -> Likelihood:
    """Rounded logistic pixels, of a learned scale for each channel; the decoder gives the centres.

    Args:
        num_channels: Size of the last axis of x, each with a scale of its own; 1 for one scale everywhere.
        num_levels: K, the number of levels; 256 for bytes.
        initial_scale: Initial σ > 0, in units of x; its logarithm is the parameter.

    Raises:
        ValueError: If the scale is not positive.

    Source: Kingma et al. 2016, arXiv:1606.04934, appendix.
    """
    return Likelihood(
        init=learned_scale(initial_scale, (num_channels,)),
        bind=lambda params, output: DiscretisedLogistic(output, bounded_exp(params["log_scale"]), num_levels),
        output_shape=lambda shape: shape,
        output_bias=jnp.asarray,
    )


def discretised_logistic_with_scale_per_pixel(
    *, num_levels: int = NUM_LEVELS, initial_scale: float = 0.1
) -> Likelihood:
    """Rounded logistic pixels, each with a scale that depends on z; the decoder gives (centre, log scale) for each.

    Args:
        num_levels: K, the number of levels; 256 for bytes.
        initial_scale: Initial σ > 0, in units of x.

    Raises:
        ValueError: If the scale is not positive.
    """
    check_positive(initial_scale)
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: DiscretisedLogistic(output[..., 0], _scale(output[..., 1]), num_levels),
        output_shape=lambda shape: (*shape, 2),
        output_bias=lambda mean: pairs(mean, jnp.log(initial_scale)),
    )


def discretised_logistic_mixture(
    num_components: int = 10, *, rgb: bool = False, num_levels: int = NUM_LEVELS, initial_scale: float = 0.1
) -> Likelihood:
    """Mixtures of rounded logistic pixels; the decoder gives weights, centres, log scales and, for colours, couplings.

    Args:
        num_components: M ≥ 1, the number of components; 10 in most papers.
        rgb: Whether x is (height, width, 3) and the channels of a pixel depend on each other. Otherwise the entries
            of x are independent.
        num_levels: K, the number of levels; 256 for bytes.
        initial_scale: Initial σ > 0, in units of x.

    Raises:
        ValueError: If there is no component, the scale is not positive, or `rgb` meets images without three channels.

    Source: Salimans, Karpathy, Chen & Kingma 2017, arXiv:1701.05517, section 2.1; the couplings go through a tanh.
    """
    check_positive(initial_scale)
    if num_components < 1:
        raise ValueError(f"expected num_components of at least 1; got {num_components}")

    def bind(params: Params, output: Array) -> DiscretisedLogisticMixture:
        if not rgb:
            logits, loc, log_scale = jnp.moveaxis(output.reshape(*output.shape[:-1], num_components, 3), -1, 0)
            return DiscretisedLogisticMixture(logits, loc, _scale(log_scale), None, num_levels)
        blocks = output.reshape(*output.shape[:-1], 10, num_components)
        loc, log_scale, couplings = blocks[..., 1:4, :], blocks[..., 4:7, :], blocks[..., 7:, :]
        return DiscretisedLogisticMixture(blocks[..., 0, :], loc, _scale(log_scale), jnp.tanh(couplings), num_levels)

    def output_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
        if not rgb:
            return (*shape, 3 * num_components)
        if shape[-1:] != (3,):
            raise ValueError(f"expected images of shape (height, width, 3) with rgb=True; got {shape}; use rgb=False")
        return (*shape[:-1], 10 * num_components)

    def output_bias(mean: ArrayLike) -> Array:
        mean, log_scale = jnp.asarray(mean), jnp.log(initial_scale)
        if not rgb:
            one = jnp.stack(jnp.broadcast_arrays(jnp.zeros(()), mean, log_scale), axis=-1)
            return jnp.tile(one, num_components)
        mean = jnp.broadcast_to(mean, (*mean.shape[:-1], 3))
        constant = lambda value, size: jnp.full((*mean.shape[:-1], size), value)
        one = [constant(0.0, 1), mean, constant(log_scale, 3), constant(0.0, 3)]
        return jnp.repeat(jnp.concatenate(one, axis=-1), num_components, axis=-1)

    return Likelihood(lambda key: (), bind, output_shape, output_bias)


def categorical_pixels(*, num_levels: int = NUM_LEVELS) -> Likelihood:
    """Pixels with a free choice among the levels; the decoder gives K logits for each.

    The bias is the distribution of largest entropy that has the data's mean: logits that rise or fall with the level.

    Args:
        num_levels: K, the number of levels; 256 for bytes.
    """
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: CategoricalPixels(output),
        output_shape=lambda shape: (*shape, num_levels),
        output_bias=lambda mean: tilted_logits(mean, num_levels),
    )


def tilted_logits(mean: ArrayLike, num_levels: int) -> Array:
    """Logits of the distribution of largest entropy over equally spaced levels in [0, 1] that has this mean."""
    levels = jnp.linspace(0.0, 1.0, num_levels)

    def mean_of(slope: Array) -> Array:
        return (jax.nn.softmax(slope[..., None] * levels) * levels).sum(axis=-1)

    return solve_mean(mean_of, mean)[..., None] * levels


def _scale(log_scale: Array) -> Array:
    """Scale of at least e⁻¹⁰, 1/100 of a byte's level: below that a pixel is certain, and in the end 0 would divide."""
    return bounded_exp(jnp.maximum(log_scale, -10.0))
