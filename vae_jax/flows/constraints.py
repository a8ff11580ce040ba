"""Maps of unconstrained numbers to constrained ones, with zero at the neutral element."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

_FLOOR = 1e-3


def positive(raw: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Positive numbers, 10⁻³ + softplus(raw + c), with c such that zero becomes one.

    The floor keeps the logarithm of a determinant and its gradient finite in float32, where softplus(−200) is zero.

    Example:
        >>> float(positive(jnp.zeros(())).round(3))
        1.0
    """
    return _FLOOR + jax.nn.softplus(raw + jnp.log(jnp.expm1(1 - _FLOOR)))


def within_one(raw: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Numbers of magnitude below one, (1 − 10⁻³) tanh(raw): in float32 tanh(10) is one itself."""
    return (1 - _FLOOR) * jnp.tanh(raw)


def soft_clip(raw: Float[Array, "*shape"], bound: float | Scalar) -> Float[Array, "*shape"]:
    """Numbers of magnitude at most `bound`, bound · tanh(raw / bound), nearly unchanged where they are small."""
    return bound * jnp.tanh(raw / bound)
