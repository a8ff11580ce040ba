"""Invertible maps of one event, and two ways to make new ones of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn, Protocol

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.pytree import register_dataclass


class Bijection(Protocol):
    """A smooth invertible map of one event, as a small pytree of its parameters.

    It computes in the precision of its input; `Transformed` passes at least float32.
    """

    def forward_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """f(value) and log |det ∂f/∂value|, in nats."""
        ...

    def inverse_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """f⁻¹(value) and log |det ∂f⁻¹/∂value|, in nats.

        Raises:
            TypeError: If there is no inverse in closed form at the cost of one pass.
        """
        ...


@register_dataclass
@dataclass(frozen=True)
class Chain:
    """Several bijections one after another, the first one first.

    Args:
        bijections: Bijections of events of the same shape; an empty tuple for the identity.
    """

    bijections: tuple[Bijection, ...]

    def forward_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """fₙ(… f₁(value)) and the sum of the log-determinants along the way."""
        total = jnp.zeros((), value.dtype)
        for bijection in self.bijections:
            value, log_det = bijection.forward_and_log_det(value)
            total += log_det
        return value, total

    def inverse_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """The inverses, the last one first, and the sum of their log-determinants."""
        total = jnp.zeros((), value.dtype)
        for bijection in reversed(self.bijections):
            value, log_det = bijection.inverse_and_log_det(value)
            total += log_det
        return value, total


@register_dataclass
@dataclass(frozen=True)
class Inverse:
    """A bijection the other way round.

    Args:
        bijection: The one to turn round.
    """

    bijection: Bijection

    def forward_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """The inverse of the other bijection, and its log-determinant."""
        return self.bijection.inverse_and_log_det(value)

    def inverse_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """The other bijection itself, and its log-determinant."""
        return self.bijection.forward_and_log_det(value)


def chain(*bijections: Bijection) -> Chain:
    """Several bijections one after another, the first argument first.

    Example:
        >>> from vae_jax.flows import Affine
        >>> double, add_one = Affine(jnp.zeros(1), jnp.log(jnp.full(1, 2.0))), Affine(jnp.ones(1), jnp.zeros(1))
        >>> float(chain(double, add_one).forward_and_log_det(jnp.full(1, 3.0))[0][0])
        7.0
    """
    return Chain(bijections)


def inverse(bijection: Bijection) -> Bijection:
    """The bijection that undoes another one; the inverse of an `Inverse` is what it was made of."""
    return bijection.bijection if isinstance(bijection, Inverse) else Inverse(bijection)


def refuse_inverse(bijection: Bijection, reason: str, remedy: str) -> NoReturn:
    """Refuse the inverse of a bijection that has none in closed form.

    Raises:
        TypeError: Always.
    """
    raise TypeError(
        f"expected a bijection with an inverse in closed form, for the log-density at a value that it did not draw; "
        f"got {type(bijection).__name__}, {reason}; use kl=sampled_kl, which needs its own draws only, or {remedy}"
    )
