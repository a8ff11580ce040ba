"""Householder flows: rotations."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.flows.flow import Flow, amortised_flow
from vae_jax.pytree import register_dataclass

_SMALLEST_SQUARE = 1e-12


@register_dataclass
@dataclass(frozen=True)
class Householder:
    """Reflections z ↦ z − 2 v vᵀz/‖v‖², one after another: an orthogonal matrix, which preserves volume.

    A diagonal normal becomes one with a full covariance U diag(σ²) Uᵀ.

    Args:
        vectors: v of each reflection, the first one first; a zero vector for no reflection.

    Source: Tomczak & Welling 2016, arXiv:1611.09630, equations 9 and 10.
    """

    vectors: Float[Array, "reflection size"]

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """U z and 0."""
        return reflect(self.vectors, value), jnp.zeros((), value.dtype)

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """Uᵀ z and 0: a reflection undoes itself."""
        return reflect(self.vectors[::-1], value), jnp.zeros((), value.dtype)


def reflect(vectors: Float[Array, "reflection size"], value: Float[Array, "size *rest"]) -> Float[Array, "size *rest"]:
    """The reflections of a vector, or of each column of a matrix, the first vector's first.

    Example:
        >>> reflect(jnp.array([[1.0, 0.0]]), jnp.array([3.0, 4.0])).tolist()
        [-3.0, 4.0]
    """
    for vector in vectors:
        # Scaled first: the square of a long vector would overflow.
        vector = vector / jnp.maximum(jnp.max(jnp.abs(vector)), jnp.sqrt(_SMALLEST_SQUARE))
        value = value - 2 * jnp.tensordot(vector, jnp.tensordot(vector, value, 1) / _square(vector), 0)
    return value


def householder(size: int, num_layers: int) -> Flow:
    """Reflections whose vectors are the flow's context.

    Args:
        size: d.
        num_layers: Number of reflections; d of them make any rotation.
    """
    return amortised_flow(size, num_layers * size, lambda parameters: Householder(parameters.reshape(num_layers, size)))


def _square(vector: Float[Array, " size"]) -> Scalar:
    return jnp.maximum(vector @ vector, _SMALLEST_SQUARE)
