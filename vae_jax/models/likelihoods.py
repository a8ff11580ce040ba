"""What a decoder's output means: from an array to p(x|z)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from vae_jax.distributions import Bernoulli, Normal
from vae_jax.types import Distribution, Key, Params


class Likelihood(NamedTuple):
    """A family of p(x|z), and how a decoder network has to look for it."""

    init: Callable[[Key], Params]
    """key -> parameters of the likelihood itself, beside those of the decoder; `()` for none."""
    bind: Callable[[Params, Array], Distribution]
    """(its parameters, the decoder's output) -> p(x|z)."""
    output_shape: Callable[[tuple[int, ...]], tuple[int, ...]]
    """shape of x -> shape of the decoder's output."""
    output_bias: Callable[[ArrayLike], Array]
    """mean of the data -> the decoder's output that predicts it: where to start the last bias."""


def bernoulli() -> Likelihood:
    """Binary pixels; the decoder gives their logits.

    The bias is the logit of the data's mean, clipped to [0.001, 0.999], as in the code of Burda et al. 2016.
    """
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: Bernoulli(output),
        output_shape=lambda shape: shape,
        output_bias=lambda mean: _logit(jnp.clip(jnp.asarray(mean), 0.001, 0.999)),
    )


def gaussian(scale: float = 1.0) -> Likelihood:
    """Real pixels with the same, fixed noise; the decoder gives their means.

    Args:
        scale: The standard deviation σ > 0 of the noise. It sets how much a unit of squared error weighs against the
            KL: log p(x|z) = −‖x − μ(z)‖²/(2σ²) − d log σ − ½ d log 2π.

    Raises:
        ValueError: If the scale is a number that is not positive.
    """
    _check_positive(scale)
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: Normal(output, jnp.asarray(scale, output.dtype)),
        output_shape=lambda shape: shape,
        output_bias=jnp.asarray,
    )


def gaussian_with_learned_scale(initial_scale: float = 1.0) -> Likelihood:
    """Real pixels with the same noise everywhere, its scale learned with the model; the decoder gives the means.

    Args:
        initial_scale: Where σ > 0 begins; its logarithm is the parameter.

    Raises:
        ValueError: If the scale is not positive.

    Source: Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202, section 3.
    """
    _check_positive(initial_scale)
    return Likelihood(
        init=lambda key: {"log_scale": jnp.log(jnp.asarray(initial_scale, jnp.float32))},
        bind=lambda params, output: Normal(output, jnp.exp(params["log_scale"])),
        output_shape=lambda shape: shape,
        output_bias=jnp.asarray,
    )


def gaussian_with_scale_per_pixel(smallest_scale: float = 1e-2) -> Likelihood:
    """Real pixels, each with a noise of its own that depends on z; the decoder gives (mean, log scale) for each.

    Args:
        smallest_scale: Added to σ. Without a floor the density of a pixel that never changes has no bound, and
            training diverges towards it.

    Raises:
        ValueError: If the floor is not positive.
    """
    _check_positive(smallest_scale)
    return Likelihood(
        init=lambda key: (),
        bind=lambda params, output: Normal(output[..., 0], smallest_scale + jnp.exp(output[..., 1])),
        output_shape=lambda shape: (*shape, 2),
        output_bias=lambda mean: jnp.stack([jnp.asarray(mean), jnp.zeros_like(jnp.asarray(mean))], axis=-1),
    )


def _logit(probability: Array) -> Array:
    return jnp.log(probability) - jnp.log1p(-probability)


def _check_positive(scale: float) -> None:
    # A traced scale (one lane of a sweep) has no value to look at.
    if isinstance(scale, int | float) and not (scale > 0 and math.isfinite(scale)):
        raise ValueError(f"expected a positive, finite scale; got {scale}")
