"""Radial flows."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.flows.bijection import Chain
from vae_jax.flows.constraints import positive
from vae_jax.flows.flow import Flow, amortised_flow
from vae_jax.pytree import register_dataclass


@register_dataclass
@dataclass(frozen=True)
class Radial:
    """z ↦ z + β (z − c)/(α + r), r = ‖z − c‖: pushes away from a centre or pulls towards it.

    α > 0 and s = α + β > 0, so that r grows with the distance and the map can be inverted.

    Args:
        centre: c.
        raw_width: α = positive(raw_width).
        raw_strength: s = α · positive(raw_strength); the map is the identity for 0.

    Source: Rezende & Mohamed 2015, arXiv:1505.05770, equation 14 and appendix A.2.
        Differs from the paper: s = α · positive(raw), not softplus(raw); and the paper does not give the inverse: the
        new distance is r (r + s)/(r + α), a quadratic in r.
    """

    centre: Float[Array, " size"]
    raw_width: Scalar
    raw_strength: Scalar

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """z + β (z − c)/(α + r) and (d − 1) log (r + s)/(r + α) + log (r² + 2αr + αs)/(r + α)²."""
        width, total = self._width_and_total()
        offset = value - self.centre
        distance = _norm(offset)
        ratio = (distance + total) / (distance + width)
        return self.centre + ratio * offset, self._log_det(distance, value.size)

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """c + (z − c)(r + α)/(r + s), with r the positive root of r² + (s − ρ) r − α ρ = 0 for ρ = ‖z − c‖."""
        width, total = self._width_and_total()
        offset = value - self.centre
        image_distance = _norm(offset)
        half = (total - image_distance) / 2
        # Of the two forms of the root, the one without a difference of nearly equal numbers.
        root = jnp.sqrt(half**2 + width * image_distance)
        distance = jnp.where(half > 0, width * image_distance / (root + jnp.abs(half)), root + jnp.maximum(-half, 0.0))
        ratio = (distance + width) / (distance + total)
        return self.centre + ratio * offset, -self._log_det(distance, value.size)

    def _width_and_total(self) -> tuple[Scalar, Scalar]:
        width = positive(self.raw_width)
        return width, width * positive(self.raw_strength)

    def _log_det(self, distance: Scalar, size: int) -> Scalar:
        width, total = self._width_and_total()
        across = jnp.log(distance + total) - jnp.log(distance + width)
        # (r² + 2αr + αs)/(r + α)² in shares of r + α, where no square overflows and nothing cancels.
        share, rest = width / (distance + width), distance / (distance + width)
        along = jnp.log(rest * (1 + share) + share * total / (distance + width))
        return (size - 1) * across + along


def radial(size: int, num_layers: int) -> Flow:
    """Radial layers whose parameters are the flow's context: for each of them c, α and s, in this order.

    Args:
        size: d.
        num_layers: Number of layers, each with d + 2 parameters.

    Example:
        >>> flow = radial(2, num_layers=3)
        >>> flow.bind((), jnp.zeros(12)).forward_and_log_det(jnp.array([1.0, 2.0]))[0].tolist()
        [1.0, 2.0]
    """

    def bind(parameters: Float[Array, " parameter"]) -> Chain:
        rows = parameters.reshape(num_layers, size + 2)
        return Chain(tuple(Radial(row[:size], row[size], row[size + 1]) for row in rows))

    return amortised_flow(size, num_layers * (size + 2), bind)


def _norm(vector: Float[Array, " size"]) -> Scalar:
    """‖vector‖, whose gradient is set to zero at the origin, where none exists."""
    square = vector @ vector
    is_zero = square == 0
    return jnp.where(is_zero, 0.0, jnp.sqrt(jnp.where(is_zero, 1.0, square)))
