"""Another order of the elements."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.pytree import register_dataclass


@register_dataclass
@dataclass(frozen=True)
class Permutation:
    """z ↦ (z[order[0]], z[order[1]], …); it preserves volume.

    Args:
        order: The indices in their new order, each once.
    """

    order: tuple[int, ...] = field(metadata={"static": True})

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """The elements in this order, and 0."""
        return value[jnp.array(self.order)], jnp.zeros((), value.dtype)

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """The elements back in their places, and 0."""
        return value[jnp.argsort(jnp.array(self.order))], jnp.zeros((), value.dtype)


def reversal(size: int) -> Permutation:
    """The permutation with the last element first; between autoregressive layers it makes each element depend on all.

    Example:
        >>> reversal(3).forward_and_log_det(jnp.arange(3.0))[0].tolist()
        [2.0, 1.0, 0.0]
    """
    return Permutation(tuple(range(size))[::-1])
