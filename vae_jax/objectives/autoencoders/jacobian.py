"""The squared Frobenius norm of a function's Jacobian, exactly or by random probes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.types import Key

JacobianNorm = Callable[[Key, Callable[[Array], Array], Array], Scalar]
"""(key, function, input) -> ‖J‖²_F there: `exact_jacobian_norm` or `partial(probed_jacobian_norm, num_probes=...)`."""


def exact_jacobian_norm(key: Key, function: Callable[[Array], Array], x: Float[Array, "*input"]) -> Scalar:
    """‖∂f/∂x‖²_F at x, in as many passes through f as its smaller side has dimensions.

    Args:
        key: Not used.
        function: f, from an array to an array.
        x: The input at which to take the Jacobian.

    Returns:
        ≥ 0, in squared units of the output per unit of the input.

    Example:
        >>> print(f"{exact_jacobian_norm(jax.random.key(0), lambda x: 3 * x, jnp.ones(4)):.1f}")
        36.0
    """
    del key
    product, size = _product_from_smaller_side(function, x)
    return jnp.sum(jnp.square(jax.vmap(product)(jnp.eye(size, dtype=x.dtype))))


def probed_jacobian_norm(
    key: Key, function: Callable[[Array], Array], x: Float[Array, "*input"], *, num_probes: int
) -> Scalar:
    """An unbiased estimate of ‖∂f/∂x‖²_F at x: the mean of ‖J v‖² or ‖vᵀJ‖² over signs v, on f's smaller side.

    Args:
        key: The key of the probes.
        function: f, from an array to an array.
        x: The input at which to take the Jacobian.
        num_probes: Passes through f, ≥ 1; the variance falls as one over it.

    Returns:
        ≥ 0, in squared units of the output per unit of the input.

    Raises:
        ValueError: If there is no probe.

    Source: Hutchinson 1990, Communications in Statistics 19(2), for tr(J Jᵀ).
    """
    if num_probes < 1:
        raise ValueError(f"expected num_probes of at least 1; got {num_probes}")
    product, size = _product_from_smaller_side(function, x)
    signs = jax.random.rademacher(key, (num_probes, size), x.dtype)
    return jnp.sum(jnp.square(jax.vmap(product)(signs))) / num_probes


def _product_from_smaller_side(function: Callable[[Array], Array], x: Array) -> tuple[Callable[[Array], Any], int]:
    """v -> J v for few inputs, v -> vᵀJ for few outputs; and the length of v."""
    output = jax.eval_shape(function, x)
    num_outputs = math.prod(output.shape)
    if x.size <= num_outputs:
        _, forward = jax.linearize(function, x)
        return lambda v: forward(v.reshape(x.shape)), x.size
    _, backward = jax.vjp(function, x)
    return lambda v: backward(v.reshape(output.shape).astype(output.dtype))[0], num_outputs
