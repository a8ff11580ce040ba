"""The interface between a likelihood and a decoder network."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from vae_jax.types import Distribution, Key, Params

INITIAL_SCALE = 0.3
"""The scale at which a learned noise begins where nobody says another: about the deviation of grey images in [0, 1].

A scale far above the deviation of the data makes errors so cheap that codes cost more than they are worth, and the
posterior collapses to the prior; one far below it takes long to rise. `standard.initial_scale` takes it from the data.
"""


class Likelihood(NamedTuple):
    """A family of p(x|z), and the output of a decoder network for it."""

    init: Callable[[Key], Params]
    """key -> parameters of the likelihood itself, beside those of the decoder; `()` for none."""
    bind: Callable[[Params, Array], Distribution]
    """(its parameters, the decoder's output) -> p(x|z)."""
    output_shape: Callable[[tuple[int, ...]], tuple[int, ...]]
    """shape of x -> shape of the decoder's output."""
    output_bias: Callable[[ArrayLike], Array]
    """mean of the data -> the decoder's output that predicts it: the initial value of the last bias."""


def learned_scale(initial_scale: float, shape: tuple[int, ...] = ()) -> Callable[[Key], Params]:
    """The `init` of a likelihood whose only parameters are scales; their logarithms are trained.

    Raises:
        ValueError: If the scale is a number that is not positive.
    """
    check_positive(initial_scale)
    return lambda key: {"log_scale": jnp.full(shape, jnp.log(initial_scale), jnp.float32)}


def logit(probability: ArrayLike) -> Array:
    """log p/(1 − p), with p clipped to [0.001, 0.999], as in the code of Burda et al. 2016."""
    probability = jnp.clip(jnp.asarray(probability), 0.001, 0.999)
    return jnp.log(probability) - jnp.log1p(-probability)


def log_of_mean(mean: ArrayLike) -> Array:
    """The logarithm of a mean; a mean below 0.001, as of a pixel that is always zero, is raised to it."""
    return jnp.log(jnp.maximum(jnp.asarray(mean, jnp.float32), 0.001))


def solve_mean(mean_of: Callable[[Array], Array], mean: ArrayLike) -> Float[Array, "..."]:
    """The parameter at which a family has a given mean in [0, 1], which rises with the parameter; found by bisection.

    Args:
        mean_of: The mean, element by element, of an array of parameters.
        mean: The given mean, clipped to [0.001, 0.999].
    """
    mean = jnp.clip(jnp.asarray(mean, jnp.float32), 0.001, 0.999)
    low, high = jnp.full_like(mean, -2_000.0), jnp.full_like(mean, 2_000.0)

    def halve(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = (ends[0] + ends[1]) / 2
        is_below = mean_of(middle) < mean
        return jnp.where(is_below, middle, ends[0]), jnp.where(is_below, ends[1], middle)

    low, high = jax.lax.fori_loop(0, 48, halve, (low, high))
    return (low + high) / 2


def pairs(first: ArrayLike, second: ArrayLike) -> Array:
    """Two numbers for each pixel, along a last axis of two."""
    return jnp.stack(jnp.broadcast_arrays(jnp.asarray(first), jnp.asarray(second)), axis=-1)


def check_positive(scale: float) -> None:
    """Refuse a scale that is not positive and finite."""
    # A traced scale (one lane of a sweep) has no value to check.
    if isinstance(scale, int | float) and not (scale > 0 and math.isfinite(scale)):
        raise ValueError(f"expected a positive, finite scale; got {scale}")
