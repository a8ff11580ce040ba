"""Gradients through a choice of codes, which has none of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float

Passing = Literal["straight_through", "rotation"]
"""The way by which the decoder's gradient reaches the encoder."""


def straight_through(
    encoded: Float[Array, "*place size"], vectors: Float[Array, "*place size"]
) -> Float[Array, "*place size"]:
    """The vectors, whose gradient goes to the encoder as if they were its output.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, section 3.2.
    """
    # In this order: the difference is zero exactly, so the vectors are those of the codebook.
    return stop_gradient(vectors) + (encoded - stop_gradient(encoded))


def rotation(encoded: Float[Array, "*place size"], vectors: Float[Array, "*place size"]) -> Float[Array, "*place size"]:
    """The vectors, whose gradient is turned and scaled on its way to the encoder as its output is turned into them.

    The gradient keeps its angle to the vector that it is at: it distinguishes outputs of one code.

    Source: Fifty et al. 2024, arXiv:2410.06424, equation 1 and section 4.2: λ (I − 2 r rᵀ + 2 q̂ êᵀ) e, all constant
        but e, where r is the direction of ê + q̂.
    """
    fixed, target = stop_gradient(encoded), stop_gradient(vectors)
    start, end = _direction(fixed), _direction(target)
    between = _direction(start + end)
    inner = lambda a, b: (a * b).sum(axis=-1, keepdims=True)
    turned = encoded - 2 * between * inner(between, encoded) + 2 * end * inner(start, encoded)
    passed = _length(target) / jnp.maximum(_length(fixed), _SMALLEST) * turned
    return target + (passed - stop_gradient(passed))


PASSINGS: dict[str, Callable[[Array, Array], Array]] = {"straight_through": straight_through, "rotation": rotation}

_SMALLEST = 1e-6


def passing_of(name: str) -> Callable[[Array, Array], Array]:
    """The passing of a name.

    Raises:
        ValueError: If there is none.
    """
    if name not in PASSINGS:
        raise ValueError(f"expected gradient as {' or '.join(map(repr, PASSINGS))}; got {name!r}")
    return PASSINGS[name]


def _length(vectors: Array) -> Array:
    return jnp.linalg.norm(vectors, axis=-1, keepdims=True)


def _direction(vectors: Array) -> Array:
    return vectors / jnp.maximum(_length(vectors), _SMALLEST)
