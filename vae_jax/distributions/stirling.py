"""Log-probabilities with a Γ function, without its large terms.

log Γ(10⁶) is 1.3 · 10⁷, which float32 holds to one unit; the log-probability in which it appears may be −8. With
log Γ(z + 1) = (z + ½) log z − z + ½ log 2π + S(z) the large terms cancel on paper and not in the computer. The
terms left are S, the error of Stirling's formula, and the deviance.

Source: Loader 2000, "Fast and accurate computation of binomial probabilities".
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.arithmetic import log_quotient

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_SERIES_FROM = 5


def stirling_error(z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """S(z) = log Γ(z + 1) − (z + ½) log z + z − ½ log 2π, element by element.

    Args:
        z: > 0.

    Returns:
        Positive and falling: about −½ log 2πz at 0, about 1/(12 z) far from it.

    Example:
        >>> float(stirling_error(jnp.asarray(1e6)))
        8.333...e-08
    """
    is_large = z > _SERIES_FROM
    small = jnp.where(is_large, 1.0, z)
    # S(y) − S(y + 1) = (y + ½) log(1 + 1/y) − 1: a few steps up, to where the series holds.
    steps = [(y + 0.5) * log_quotient(y + 1, y, 1.0) - 1 for y in (small + step for step in range(_SERIES_FROM))]
    return jnp.where(is_large, 0.0, sum(steps)) + _series(jnp.where(is_large, z, small + _SERIES_FROM))


def _series(z: Array) -> Array:
    square = 1 / jnp.square(z)
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
    return jnp.polyval(jnp.asarray(terms[::-1], z.dtype), square) / z


def deviance(amount: Float[Array, "*#shape"], log_ratio: Float[Array, "*#shape"]) -> Float[Array, "*shape"]:
    """a (eᵘ − 1 − u) = a log (a/b) + b − a for u = log (b/a): how far an expected amount b is from the observed a.

    Args:
        amount: a ≥ 0, the observed amount.
        log_ratio: u, the logarithm of the expected amount over the observed one.

    Returns:
        Nats, ≥ 0; zero where they agree.
    """
    return amount * (jnp.expm1(log_ratio) - log_ratio)


def deviance_of_two(
    first: Float[Array, "*#shape"],
    log_ratio: Float[Array, "*#shape"],
    second: Float[Array, "*#shape"],
    other_log_ratio: Float[Array, "*#shape"],
) -> Float[Array, "*shape"]:
    """The sum of the deviances of two amounts with equal expected and observed sums: −a u − b v.

    The expected sum, a eᵘ + b eᵛ, cancels the observed one, a + b: on paper everywhere, in the computer near agreement
    only, where it saves the digits that −a u − b v loses. Far from agreement, it would lose them instead.

    Args:
        first: a > 0, the observed amount of one kind.
        log_ratio: u, the logarithm of its expected amount over a.
        second: b > 0, the observed amount of the other kind.
        other_log_ratio: v, the logarithm of its expected amount over b.

    Returns:
        Nats, ≥ 0.
    """
    is_near = jnp.maximum(log_ratio, other_log_ratio) < 1
    near, other_near = (jnp.where(is_near, ratio, 0.0) for ratio in (log_ratio, other_log_ratio))
    far = -first * log_ratio - second * other_log_ratio
    return jnp.where(is_near, deviance(first, near) + deviance(second, other_near), far)
