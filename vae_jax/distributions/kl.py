"""Closed-form Kullback-Leibler divergences: functions of two distributions.

A pair of families enters by one line in `_PER_DIMENSION`. A pair without a closed form is refused, never guessed:
`objectives.sampled_kl` estimates any of them.
"""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.normal import Normal
from vae_jax.types import Distribution

_PER_DIMENSION: dict[tuple[type, type], Callable[..., Array]] = {
    (Normal, Normal): lambda q, p: formulas.gaussian_kl(q.loc, q.scale, p.loc, p.scale),
    (Bernoulli, Bernoulli): lambda q, p: formulas.bernoulli_kl(q.logits, p.logits),
}


def kl_divergence(q: Distribution, p: Distribution) -> Scalar:
    """KL(q ‖ p) = E_q[log q(z) − log p(z)], exactly.

    Args:
        q: The distribution that the expectation is under; in a VAE the posterior.
        p: The other one; in a VAE the prior.

    Returns:
        Nats, ≥ 0.

    Raises:
        TypeError: If this pair of families has no closed form.

    Example:
        >>> import jax.numpy as jnp
        >>> float(kl_divergence(Normal(jnp.ones(4), jnp.ones(4)), Normal(jnp.zeros(4), jnp.ones(4))))
        2.0
    """
    return kl_per_dimension(q, p).sum()


def kl_per_dimension(q: Distribution, p: Distribution) -> Float[Array, "*event"]:
    """The terms of `kl_divergence(q, p)`, one for each dimension of an event, for distributions that factorise.

    Returns:
        Nats for each dimension, of the event's shape, each ≥ 0.

    Raises:
        TypeError: If this pair of families has no closed form, dimension by dimension.
    """
    try:
        closed_form = _PER_DIMENSION[type(q), type(p)]
    except KeyError:
        known = ", ".join(f"{a.__name__} to {b.__name__}" for a, b in _PER_DIMENSION)
        raise TypeError(
            f"expected a pair of distributions whose KL divergence has a closed form ({known}); "
            f"got {type(q).__name__} to {type(p).__name__}; use kl=sampled_kl, "
            "or objectives.autoencoder where the posterior is a PointMass"
        ) from None
    return closed_form(q, p)
