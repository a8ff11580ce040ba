"""Finite scalar quantisation: each number of a vector is rounded to one of a few levels, and nothing is learned."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vae_jax.distributions import Quantised
from vae_jax.models.bottlenecks.bottleneck import Bottleneck
from vae_jax.models.bottlenecks.passing import straight_through
from vae_jax.types import Params

_SLACK = 1e-3
"""The share by which the bounds lie beyond the outermost levels, so that rounding reaches those."""


def fsq(levels: Sequence[int]) -> Bottleneck:
    """Numbers that are bounded by a tanh and rounded to L levels at equal distances; the codes are all combinations.

    An odd number of levels lies symmetrically in [−1, 1]; an even one in [−1, 1 − 2/L], so that 0 is a level, too.

    Args:
        levels: L ≥ 3 for each number of a vector; (8, 6, 5) has 240 codes.

    Raises:
        ValueError: If there are no levels, or fewer than 3 of them.

    Source: Mentzer, Minnen, Agustsson & Tschannen 2023, arXiv:2309.15505, section 3.1 and appendix A. Differs from
        the paper: the shift of an even number of levels is an artanh, so that 0 is left at 0, and the bounds lie
        beyond the outermost levels, not within them.

    Example:
        >>> bottleneck = fsq((5, 4))
        >>> q = bottleneck.quantise((), jnp.array([[9.0, 9.0], [0.1, -0.1]]))
        >>> q.value.tolist(), q.codes.tolist()
        ([[1.0, 0.5], [0.0, 0.0]], [19, 12])
    """
    if not levels or min(levels) < 3:
        raise ValueError(
            f"expected levels of at least 3 for each number of a vector; got {tuple(levels)}; use lfq for 2"
        )
    num_levels = np.asarray(levels)
    half, num_below = (num_levels - 1) * (1 + _SLACK) / 2, num_levels // 2
    offset = np.where(num_levels % 2, 0.0, 0.5)
    shift = np.arctanh(offset / half)
    # Levels are the digits of a code, the first changing fastest.
    place_values = np.cumprod([1, *levels[:-1]])

    def quantise(params: Params, encoded: Float[Array, "*place size"]) -> Quantised:
        bounded = jnp.tanh(encoded + shift) * half - offset
        value = straight_through(bounded, jnp.round(bounded)) / num_below
        return Quantised(value, find(params, value), encoded, math.prod(levels))

    def look_up(params: Params, codes: Int[Array, "*place"]) -> Float[Array, "*place size"]:
        digits = codes[..., None] // place_values % num_levels
        return (digits - num_below) / jnp.asarray(num_below, float)

    def find(params: Params, vectors: Float[Array, "*place size"]) -> Int[Array, "*place"]:
        digits = jnp.round(vectors * num_below).astype(jnp.int32) + num_below
        return (digits * place_values).sum(axis=-1)

    return Bottleneck(len(levels), math.prod(levels), lambda key: (), quantise, look_up, find)
