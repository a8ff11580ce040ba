"""A shift and a scale, element by element."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.pytree import register_dataclass


@register_dataclass
@dataclass(frozen=True)
class Affine:
    """z ↦ exp(s) z + t, element by element.

    Args:
        shift: t, of the event's shape.
        log_scale: s, of the event's shape.
    """

    shift: Float[Array, "*event"]
    log_scale: Float[Array, "*event"]

    def forward_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """exp(s) z + t, and Σ s."""
        return jnp.exp(self.log_scale) * value + self.shift, jnp.sum(self.log_scale)

    def inverse_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """exp(−s) (z − t), and −Σ s."""
        return jnp.exp(-self.log_scale) * (value - self.shift), -jnp.sum(self.log_scale)
