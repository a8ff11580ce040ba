"""Planar flows."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.flows.bijection import Chain, refuse_inverse
from vae_jax.flows.constraints import positive
from vae_jax.flows.flow import Flow, amortised_flow
from vae_jax.pytree import register_dataclass

_SMALLEST_SQUARE = 1e-12


@register_dataclass
@dataclass(frozen=True)
class Planar:
    """z ↦ z + û tanh(wᵀz + b): stretches or squeezes space along û, at the plane wᵀz + b = 0.

    û = u + (m(wᵀu) − wᵀu) w/‖w‖² has wᵀû = m(wᵀu) > −1, without which the map could not be inverted. There is an
    inverse, but no formula for it.

    Args:
        weight: w.
        direction: u; the map is the identity for u = 0.
        bias: b.

    Source: Rezende & Mohamed 2015, arXiv:1505.05770, equations 10 to 12 and appendix A.1.
        Differs from the paper: m(x) = positive(x) − 1, which is zero at x = 0, and not −1 + softplus(x).
    """

    weight: Float[Array, " size"]
    direction: Float[Array, " size"]
    bias: Scalar

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """z + û tanh(a) and log (1 + wᵀû (1 − tanh²(a))), where a = wᵀz + b."""
        inner = self.weight @ self.direction
        # w/‖w‖² is taken to 0 with w, and wᵀû accordingly.
        square = self.weight @ self.weight
        share = jnp.minimum(square / _SMALLEST_SQUARE, 1.0)
        one_plus_inner = share * positive(inner) + (1 - share) * (1 + inner)
        correction = (positive(inner) - 1 - inner) / jnp.maximum(square, _SMALLEST_SQUARE)
        slope = jnp.tanh(self.weight @ value + self.bias)
        image = value + (self.direction + correction * self.weight) * slope
        # 1 + wᵀû (1 − t²), as a sum of what is positive.
        return image, jnp.log(slope**2 + one_plus_inner * (1 - slope**2))

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """Refuse the inverse, which has no formula.

        Raises:
            TypeError: Always.
        """
        refuse_inverse(self, "whose inverse has no formula", "a flow of couplings")


def planar(size: int, num_layers: int) -> Flow:
    """Planar layers whose parameters are the flow's context: for each of them w, u and b, in this order.

    Args:
        size: d.
        num_layers: Number of layers, each with 2d + 1 parameters.

    Example:
        >>> flow = planar(2, num_layers=3)
        >>> flow.bind((), jnp.zeros(15)).forward_and_log_det(jnp.array([1.0, 2.0]))[0].tolist()
        [1.0, 2.0]
    """

    def bind(parameters: Float[Array, " parameter"]) -> Chain:
        rows = parameters.reshape(num_layers, 2 * size + 1)
        return Chain(tuple(Planar(row[:size], row[size:-1], row[-1]) for row in rows))

    return amortised_flow(size, num_layers * (2 * size + 1), bind)
