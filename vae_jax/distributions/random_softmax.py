"""The expectation of a softmax of independent random numbers, which is one integral.

By the Gumbel-max trick E softmax(y)ₖ is the probability that yₖ + gₖ is the largest of all, with standard Gumbel g.
The value of the largest is one number: it is integrated on a grid, with the distribution of each y on a grid of its
own.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vae_jax.precision import constants

# Trapezoid rules: they converge faster than any power of the distance for densities that vanish smoothly at the ends.
_NORMAL = np.linspace(-6.0, 6.0, 37)
_NORMAL_WEIGHTS = np.exp(-0.5 * _NORMAL**2) / np.exp(-0.5 * _NORMAL**2).sum()
_GUMBEL = np.linspace(-3.5, 18.0, 48)
_GUMBEL_WEIGHTS = np.exp(-_GUMBEL - np.exp(-_GUMBEL)) / np.exp(-_GUMBEL - np.exp(-_GUMBEL)).sum()
_NUM_PLACES = 96


def mean_of_normal_softmax(
    loc: Float[Array, " categories"], scale: Float[Array, " categories"]
) -> Float[Array, " categories"]:
    """E softmax(μ + σ ε) with ε standard normal."""
    normal, weights = constants(loc, _NORMAL, _NORMAL_WEIGHTS)
    probabilities, _ = _largest_with_gumbel_noise(loc[:, None] + scale[:, None] * normal, weights)
    return probabilities


def mean_of_gumbel_softmax(
    logits: Float[Array, " categories"], temperature: Float[Array, ""]
) -> tuple[Float[Array, " categories"], Float[Array, " categories"]]:
    """E x and E log x for x = softmax((a + g) / τ) with g standard Gumbel."""
    # (a + g) / τ + g' is largest where a + g + τ g' is: the noise of the two may change places, and the softmax of
    # a + τ g' is smooth where τ is small.
    gumbel, weights = constants(logits, _GUMBEL, _GUMBEL_WEIGHTS)
    probabilities, largest = _largest_with_gumbel_noise(logits[:, None] + temperature * gumbel, weights)
    # E logsumexp(y) = E max(y + g') − γ, and (a + g) has mean a + γ.
    return probabilities, (logits + np.euler_gamma - largest) / temperature + np.euler_gamma


def _largest_with_gumbel_noise(
    values: Float[Array, "categories node"], weights: Float[Array, " node"]
) -> tuple[Float[Array, " categories"], Float[Array, ""]]:
    """P(yₖ + gₖ is the largest) for every k and E max(y + g), each y with the distribution (values, weights)."""
    low, high = values.min(axis=1).max() - 3.5, values.max() + 18.0
    places = low + (high - low) * jnp.linspace(0, 1, _NUM_PLACES)[:, None, None]
    exponent = jnp.minimum(values - places, 30.0)  # exp(−exp 30) is zero, and exp of more would overflow
    below = (jnp.exp(-jnp.exp(exponent)) * weights).sum(axis=-1)
    density = (jnp.exp(exponent - jnp.exp(exponent)) * weights).sum(axis=-1)
    smallest = jnp.finfo(below.dtype).tiny
    all_below = jnp.exp(jnp.log(jnp.maximum(below, smallest)).sum(axis=1, keepdims=True))
    mass = density / jnp.maximum(below, smallest) * all_below
    mass = mass / mass.sum()
    return mass.sum(axis=0), (mass * places[:, :, 0]).sum()
