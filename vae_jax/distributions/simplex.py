"""Points on the simplex: positive numbers that add up to one."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.distributions.precision import at_least_float32


def log_of_simplex(value: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log x, with entries that a float cannot tell from zero taken for its smallest normal number."""
    (value,) = at_least_float32(value)
    return jnp.log(jnp.maximum(value, jnp.finfo(value.dtype).tiny))
