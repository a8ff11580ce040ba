"""Continuity: two close points in the latent space do not give two different contents once they are decoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float


class Continuity(NamedTuple):
    """The movement of a decoded path."""

    largest_step: Array
    """The largest step of the decoded path, as a multiple of its mean step: 1 where it moves evenly, the number of
    steps where it jumps once and else stands still."""
    detour: Array
    """The length of the decoded path, as a multiple of the distance between its ends: 1 on a straight line, and large
    where it passes through what neither end looks like."""


def continuity(decode: Callable[[Array], Any], codes: Float[Array, "points latent"]) -> Continuity:
    """Follow the decoded path along codes at equal distances.

    Args:
        decode: z -> the mean of p(x|z), an array or a pytree of arrays; distances are Euclidean over all of them.
        codes: As of `generation.interpolation_codes`; at least two.

    Example:
        >>> jump = lambda z: jnp.sign(z - 0.501)
        >>> [round(float(number), 2) for number in continuity(jump, jnp.linspace(0.0, 1.0, 11)[:, None])]
        [10.0, 1.0]
    """
    path = jax.vmap(lambda z: ravel_pytree(decode(z))[0])(codes)
    steps = jnp.linalg.norm(jnp.diff(path, axis=0), axis=1)
    between = jnp.linalg.norm(path[-1] - path[0])
    return Continuity(_ratio(jnp.max(steps), jnp.mean(steps)), _ratio(jnp.sum(steps), between))


def _ratio(a: Array, b: Array) -> Array:
    """a / b; 1 where both are zero: a decoder that says the same everywhere is continuous."""
    return jnp.where((a == 0) & (b == 0), 1.0, a / jnp.where((a == 0) & (b == 0), 1.0, b))
