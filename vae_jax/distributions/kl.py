"""Closed-form Kullback-Leibler divergences: functions of two distributions.

A pair of families is added by one line in `_PER_DIMENSION`, if both factorise alike, or in `_JOINT`. A pair without a
closed form is refused, never guessed: `objectives.sampled_kl` estimates any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.arithmetic import quotient
from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.categorical import Categorical
from vae_jax.distributions.logistic_normal import LogisticNormal
from vae_jax.distributions.low_rank_normal import LowRankNormal, low_rank_kl
from vae_jax.distributions.multivariate_normal import MultivariateNormal
from vae_jax.distributions.normal import Normal
from vae_jax.distributions.product import Product
from vae_jax.distributions.quantised import Coded, Quantised
from vae_jax.distributions.spherical_uniform import SphericalUniform
from vae_jax.distributions.stacked import Stacked
from vae_jax.distributions.straight_through import StraightThrough
from vae_jax.distributions.von_mises_fisher import VonMisesFisher, kl_to_uniform
from vae_jax.precision import at_least_float32
from vae_jax.types import Distribution

Families = tuple[type, type]


def kl_divergence(q: Distribution, p: Distribution) -> Scalar:
    """KL(q ‖ p) = E_q[log q(z) − log p(z)], exactly.

    Args:
        q: The distribution of the expectation; in a VAE the posterior.
        p: The other distribution; in a VAE the prior.

    Returns:
        Nats, ≥ 0.

    Raises:
        TypeError: If this pair of families has no closed form.

    Example:
        >>> import jax.numpy as jnp
        >>> float(kl_divergence(Normal(jnp.ones(4), jnp.ones(4)), Normal(jnp.zeros(4), jnp.ones(4))))
        2.0
    """
    families = (type(q), type(p))
    if families in _JOINT:
        return _JOINT[families](q, p)
    if families in _PER_DIMENSION:
        return _PER_DIMENSION[families](q, p).sum()
    _refuse(q, p, [*_PER_DIMENSION, *_JOINT])


def kl_per_dimension(q: Distribution, p: Distribution) -> Float[Array, "*event"]:
    """The terms of `kl_divergence(q, p)`, one for each dimension of an event, for distributions that factorise.

    Returns:
        Nats for each dimension, of the event's shape, each ≥ 0; a one-hot vector is one dimension. For a `Product`
        a vector, with the parts in the order of their names.

    Raises:
        TypeError: If this pair of families has no closed form, dimension by dimension.
    """
    if (type(q), type(p)) in _PER_DIMENSION:
        return _PER_DIMENSION[type(q), type(p)](q, p)
    _refuse(q, p, _PER_DIMENSION)


def kl_per_part(q: Product, p: Product) -> dict[str, Scalar]:
    """The terms of `kl_divergence(q, p)`, one for each part of a product: the groups of a hierarchy, say.

    Returns:
        name -> nats, each ≥ 0. The distributions of a `Stacked` part have a term each, with their numbers behind its
        name, from the first one down: "8x8.0", "8x8.1".

    Raises:
        TypeError: If a part's pair of families has no closed form.
    """
    found: dict[str, Scalar] = {}
    for name, part in q.parts.items():
        other = p.parts[name]
        if isinstance(part, Stacked) and isinstance(other, Stacked):
            digits = len(str(part.num - 1))
            found |= {f"{name}.{place:0{digits}}": kl for place, kl in enumerate(_of_each(part, other))}
        else:
            found[name] = kl_divergence(part, other)
    return found


def _refuse(q: Distribution, p: Distribution, known: Iterable[Families]) -> NoReturn:
    pairs = ", ".join(f"{a.__name__} to {b.__name__}" for a, b in known)
    raise TypeError(
        f"expected a pair of distributions whose KL divergence has a closed form ({pairs}); "
        f"got {type(q).__name__} to {type(p).__name__}; use kl=sampled_kl, "
        "or objectives.autoencoder where the posterior is a PointMass"
    )


def _of_product(q: Product, p: Product) -> Scalar:
    return sum((kl_divergence(part, p.parts[name]) for name, part in q.parts.items()), start=jnp.zeros(()))


def _of_each(q: Stacked, p: Stacked) -> Float[Array, " part"]:
    return jax.vmap(kl_divergence)(q.parts, p.parts)


def _of_each_dimension(q: Product, p: Product) -> Float[Array, " dimension"]:
    return jnp.concatenate([kl_per_dimension(q.parts[name], p.parts[name]).ravel() for name in sorted(q.parts)])


def _of_normals(q: Normal | MultivariateNormal, p: Normal | MultivariateNormal) -> Scalar:
    """KL of q to p, computed in coordinates where p is the standard normal, from p's Cholesky factor."""
    (q_loc, q_tril), (p_loc, p_tril) = _loc_and_tril(q), _loc_and_tril(p)
    loc = solve_triangular(p_tril, q_loc - p_loc, lower=True)
    tril = solve_triangular(p_tril, q_tril, lower=True)
    return _to_standard_normal(loc, tril)


def _to_normal(q: MultivariateNormal, p: Normal) -> Scalar:
    """KL of q to p, like `_of_normals`; the coordinates need no triangular solve."""
    loc, tril, p_loc, p_scale = at_least_float32(q.loc, q.scale_tril, p.loc, p.scale)
    p_scale = jnp.broadcast_to(p_scale, loc.shape)
    return _to_standard_normal(quotient(loc - p_loc, p_scale), quotient(jnp.tril(tril), p_scale[:, None]))


def _to_standard_normal(loc: Float[Array, " size"], tril: Float[Array, "size size"]) -> Scalar:
    """KL to the standard normal: that of the diagonal, and half the squares below. No term is negative or cancels."""
    return formulas.gaussian_kl(loc, jnp.diagonal(tril)).sum() + 0.5 * jnp.square(jnp.tril(tril, -1)).sum()


def _loc_and_tril(normal: Normal | MultivariateNormal) -> list[Array]:
    if isinstance(normal, MultivariateNormal):
        loc, scale_tril = at_least_float32(normal.loc, normal.scale_tril)
        return [loc, jnp.tril(scale_tril)]
    loc, scale = at_least_float32(normal.loc, normal.scale)
    loc, scale = jnp.broadcast_arrays(loc, scale)
    return [loc, jnp.diag(scale)]


_PER_DIMENSION: dict[Families, Callable[..., Array]] = {
    (Normal, Normal): lambda q, p: formulas.gaussian_kl(q.loc, q.scale, p.loc, p.scale),
    (Bernoulli, Bernoulli): lambda q, p: formulas.bernoulli_kl(q.logits, p.logits),
    (Categorical, Categorical): lambda q, p: formulas.categorical_kl(q.logits, p.logits),
    (StraightThrough, Bernoulli): lambda q, p: kl_per_dimension(q.relaxed.discrete(), p),
    (StraightThrough, Categorical): lambda q, p: kl_per_dimension(q.relaxed.discrete(), p),
    (Product, Product): _of_each_dimension,
    (Stacked, Stacked): lambda q, p: jax.vmap(kl_per_dimension)(q.parts, p.parts),
}

_JOINT: dict[Families, Callable[..., Scalar]] = {
    (MultivariateNormal, Normal): _to_normal,
    (MultivariateNormal, MultivariateNormal): _of_normals,
    (Normal, MultivariateNormal): _of_normals,
    (LowRankNormal, Normal): lambda q, p: low_rank_kl(q, p.loc, p.scale),
    # The map from the log-ratios to the simplex is one to one, and leaves the divergence unchanged.
    (LogisticNormal, LogisticNormal): lambda q, p: formulas.gaussian_kl(q.loc, q.scale, p.loc, p.scale).sum(),
    (VonMisesFisher, SphericalUniform): lambda q, p: kl_to_uniform(q),
    # The posterior is certain: the KL is the length of the message that names its codes.
    (Quantised, Coded): lambda q, p: -p.log_prob_of_codes(q.codes),
    (Product, Product): _of_product,
    (Stacked, Stacked): lambda q, p: _of_each(q, p).sum(),
}
