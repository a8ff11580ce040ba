"""The cumulant generating function of a direction on the sphere, which normalises the von Mises-Fisher distribution.

ψ(κ) = log E exp(κ t) for the first entry t of a uniform direction in d dimensions, which is the logarithm of
(2/κ)^ν Γ(ν + 1) I_ν(κ) with ν = d/2 − 1, and its derivative is the ratio A(κ) = I_{ν+1}(κ) / I_ν(κ). Bessel functions
themselves overflow and underflow; here every term is as small as the result.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

# Number of orders that the recursion runs down from the asymptotic expansion, whose error falls with the fourth power.
_NUM_ORDERS = 16


class SphereMoments(NamedTuple):
    """ψ(κ) and A(κ), and their differences to the values for large κ, without cancellation."""

    log_moment: Scalar
    """ψ(κ) ≥ 0."""
    log_moment_gap: Scalar
    """κ − ψ(κ) ≥ 0."""
    resultant: Scalar
    """A(κ) = ψ'(κ) between 0 and 1: the length of the mean direction."""
    scaled_resultant_gap: Scalar
    """κ (1 − A(κ)) ≥ 0."""


def sphere_moments(concentration: Scalar, size: int) -> SphereMoments:
    """ψ and A at a concentration κ ≥ 0, in d = `size` ≥ 2 dimensions, to the digits of float32.

    At the order m = ν + 16 the uniform expansion of Debye is exact to rounding for every κ; from there the recursion
    I_{j−1} = 2j/κ I_j + I_{j+1} runs downwards, where it is stable, in the form of the ratios qⱼ = κ I_{j+1} / I_j.

    Source: DLMF 10.41.3 (the expansion; its logarithm to third order), 10.29.1 (the recursion).
    """
    order = size / 2 - 1
    top = order + _NUM_ORDERS
    root = jnp.hypot(concentration, top)
    excess = concentration**2 / (root + top)  # √(κ² + m²) − m
    shortfall = concentration * top / (root + top) * (1 + top / (root + concentration))  # κ − excess
    cosine = top / root
    # Relative to κ = 0, where ψ is zero.
    correction = _debye(cosine, top) - _debye(jnp.ones_like(cosine), top)
    rest = correction - top * jnp.log1p(excess / (2 * top)) - 0.5 * jnp.log1p(excess / top)

    slope = _debye_slope(cosine, top)
    ratio = excess - 0.5 * (1 - cosine**2) + slope  # q = κ A, at order m
    gap = shortfall + 0.5 * (1 - cosine**2) - slope  # κ − q
    resultant = ratio  # replaced in the first turn
    for j in [order + place for place in range(_NUM_ORDERS, 0, -1)]:
        rest = rest + jnp.log1p(ratio / (2 * j))
        resultant = concentration / (2 * j + ratio)
        ratio, gap = concentration * resultant, resultant * (2 * j - gap)
    return SphereMoments(excess + rest, shortfall - rest, resultant, gap)


def _debye(cosine: Float[Array, ""], order: float) -> Float[Array, ""]:
    """log Σₖ Uₖ(t) / mᵏ to third order, t = m / √(κ² + m²)."""
    t, s = cosine, cosine**2
    first = t * (3 - 5 * s) / 24
    second = s * (1 - 6 * s + 5 * s**2) / 16
    third = t * s * (25 / 384 - 531 / 640 * s + 221 / 128 * s**2 - 1105 / 1152 * s**3)
    return first / order + second / order**2 + third / order**3


def _debye_slope(cosine: Float[Array, ""], order: float) -> Float[Array, ""]:
    """κ times the derivative of `_debye` by κ, where κ dt/dκ = −t (1 − t²)."""
    t, s = cosine, cosine**2
    first = (1 - 5 * s) / 8
    second = t * (1 - 12 * s + 15 * s**2) / 8
    third = s * (25 / 128 - 531 / 128 * s + 1547 / 128 * s**2 - 1105 / 128 * s**3)
    return -t * (1 - s) * (first / order + second / order**2 + third / order**3)
