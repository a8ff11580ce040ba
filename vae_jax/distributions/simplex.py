"""Points on the simplex: positive numbers that add up to one."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.precision import at_least_float32


def smallest_entry(value: Float[Array, "..."]) -> float:
    """The lower bound that entries are clipped to, 4e-31 in float32: 10⁷ times the slope 1/x of log x stays finite."""
    return float(jnp.finfo(value.dtype).tiny) ** 0.8


def log_of_simplex(value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log x, with entries below `smallest_entry` raised to it."""
    (value,) = at_least_float32(value)
    return jnp.log(jnp.maximum(value, smallest_entry(value)))
