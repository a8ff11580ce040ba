"""Arithmetic whose values and derivatives stay right where numbers vanish or overflow.

−∞ is an ordinary logarithm here, that of zero, as for a masked category or an impossible event.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, Float


@jax.custom_jvp
def quotient(a: Float[ArrayLike, "*#shape"], b: Float[ArrayLike, "*#shape"]) -> Float[Array, "*shape"]:
    """a/b, differentiated as (da − (a/b) db)/b: JAX's own derivative holds 1/b², infinite in float32 for b = 1e-20.

    Example:
        >>> float(jax.grad(quotient, argnums=1)(0.0, 1e-20))
        -0.0
    """
    return jnp.divide(a, b)


@quotient.defjvp
def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (a, b), (change_of_a, change_of_b) = primals, tangents
    value = quotient(a, b)
    return value, quotient(change_of_a - value * change_of_b, b)


def log_quotient(
    a: Float[ArrayLike, "*#shape"],
    b: Float[ArrayLike, "*#shape"],
    difference: Float[ArrayLike, "*#shape"] | None = None,
) -> Float[Array, "*shape"]:
    """log a/b, which keeps the digits of a small difference a − b and is finite where the quotient is not.

    Args:
        a: > 0.
        b: > 0.
        difference: a − b, where it is known to more digits than the subtraction leaves.

    Example:
        >>> round(float(log_quotient(1e-20, 1e20)), 4)  # −40 log 10
        -92.1034
    """
    difference = jnp.subtract(a, b) if difference is None else difference
    relative = jax.lax.stop_gradient(jnp.divide(difference, b))
    is_near = (relative > -0.5) & (relative < 1e30)
    # Each form sees only the numbers that it is right for: an overflow would be 0 · ∞ in the gradient of the other.
    near = jnp.log1p(quotient(jnp.where(is_near, difference, 0.0), jnp.where(is_near, b, 1.0)))
    return jnp.where(is_near, near, jnp.log(jnp.where(is_near, 1.0, a)) - jnp.log(jnp.where(is_near, 1.0, b)))


def bounded(log: Float[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """A logarithm held within ±27, where float32 has room for squares of ratios; its gradient is 1 beyond, too.

    So a wild output of a network means a very large or a very small number, and finds its way back.

    Example:
        >>> float(bounded(1e4)), float(bounded(0.1)), float(jax.grad(bounded)(1e4))
        (27.0, 0.100..., 1.0)
    """
    log = jnp.asarray(log)
    return log + jax.lax.stop_gradient(jnp.clip(log, -27, 27) - log)


def bounded_exp(log: Float[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """exp of a `bounded` logarithm, which makes a positive parameter from an output of a network.

    Example:
        >>> jax.grad(lambda log: jnp.log(bounded_exp(log)))(1e4).round(3).tolist()
        1.0
    """
    return jnp.exp(bounded(log))


def weighted(weight: Float[ArrayLike, "*#shape"], amount: Float[ArrayLike, "*#shape"]) -> Float[Array, "*shape"]:
    """weight · amount, where a weight of zero leaves nothing of an infinite amount: 0 · ±∞ = 0, the limit of p log p.

    Example:
        >>> weighted(jnp.array([0.0, 0.5]), jnp.array([-jnp.inf, -2.0])).tolist()
        [0.0, -1.0]
    """
    weight = jnp.asarray(weight)
    return weight * jnp.where((weight == 0) & jnp.isinf(amount), 0.0, amount)


def log_sum_exp(amounts: Float[ArrayLike, "*shape"], axis: int = -1) -> Float[Array, "..."]:
    """log Σ exp a along an axis; −∞ with a gradient of zero where all are −∞, where JAX's own gradient is NaN.

    Example:
        >>> float(jax.grad(log_sum_exp)(jnp.full(1, -jnp.inf))[0])
        0.0
    """
    amounts = jnp.asarray(amounts)
    is_nothing = jnp.all(amounts == -jnp.inf, axis=axis)
    some = jnp.where(jnp.expand_dims(is_nothing, axis), 0.0, amounts)
    return jnp.where(is_nothing, -jnp.inf, logsumexp(some, axis=axis))
