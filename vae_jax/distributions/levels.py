"""Pixels with equally spaced levels: x = k / (K − 1) in [0, 1], for k = 0, 1, ..., K − 1.

Bytes divided by 255 are the 256 levels; `data.scale(max_value)` makes them.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

NUM_LEVELS = 256


def level_of(value: Float[Array, "*shape"], num_levels: int) -> Float[Array, "*shape"]:
    """The level k nearest to a value, rounded because x = k/255 is not exact in floating point."""
    return jnp.round(value * (num_levels - 1))


def value_of(level: Float[Array, "*shape"], num_levels: int) -> Float[Array, "*shape"]:
    """The value x = k / (K − 1) of a level."""
    return level / (num_levels - 1)


def is_level(level: Float[Array, "*shape"], num_levels: int) -> Array:
    """Whether a level lies between 0 and K − 1, beyond which are those of unscaled bytes."""
    return (level >= 0) & (level <= num_levels - 1)
