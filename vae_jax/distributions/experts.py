"""Experts that are joined to one distribution: a product of normals, a mixture of them, and a mixture of products.

An expert is the opinion of one part of an example about the same latents; a part that is missing has none. Each
function has the same signature, `(experts, is_present, prior) -> distribution`, and gives the prior where nothing is
present.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vae_jax.distributions.mixture import Mixture
from vae_jax.distributions.normal import Normal


def product_of_experts(experts: Normal, is_present: Bool[Array, " expert"], prior: Normal) -> Normal:
    """The normal that is proportional to p(z) Πₘ q(z|xₘ), over the experts that are present.

    Its precision is the sum of the precisions, its mean the mean that they weigh.

    Args:
        experts: A `Normal` whose arrays have a leading axis of the experts.
        is_present: Whether each has something to say.
        prior: p(z), an expert that is always present.

    Source: Wu & Goodman 2018, arXiv:1802.05335.

    Example:
        >>> experts = Normal(jnp.array([[3.0], [50.0]]), jnp.ones((2, 1)))
        >>> q = product_of_experts(experts, jnp.array([True, False]), Normal(jnp.zeros(1), jnp.ones(1)))
        >>> q.loc.tolist(), (q.scale**2).round(3).tolist()
        ([1.5], [0.5])
    """
    loc, scale = jnp.broadcast_arrays(prior.loc, prior.scale)
    return _product(_with(experts, Normal(loc, scale)), jnp.append(is_present, True))


def mixture_of_experts(experts: Normal, is_present: Bool[Array, " expert"], prior: Normal) -> Mixture:
    """The mixture of the experts that are present, with equal weights: each alone has to explain the whole example.

    Args:
        experts: As of `product_of_experts`.
        is_present: Whether each has something to say.
        prior: p(z), for an example of which nothing is present.

    Source: Shi, Siddharth, Paige & Torr 2019, arXiv:1911.03393.
    """
    return _mixture(experts, is_present, prior)


def mixture_of_products(experts: Normal, is_present: Bool[Array, " expert"], prior: Normal) -> Mixture:
    """The mixture of the products of all subsets of the experts that are present, with equal weights.

    With M experts it has 2^M − 1 components, and one for the prior.

    Args:
        experts: As of `product_of_experts`.
        is_present: Whether each has something to say.
        prior: p(z), for an example of which nothing is present; it is no expert of the products.

    Source: Sutter, Daunhawer & Vogt 2021, arXiv:2105.02470.
    """
    num = len(is_present)
    members = (np.arange(1, 2**num)[:, None] >> np.arange(num)) % 2 == 1
    products = [_product(experts, jnp.asarray(subset)) for subset in members]
    stacked = Normal(jnp.stack([one.loc for one in products]), jnp.stack([one.scale for one in products]))
    return _mixture(stacked, jnp.all(is_present | ~members, axis=1), prior)


def _product(experts: Normal, is_present: Bool[Array, " expert"]) -> Normal:
    """Computed with the smallest scale of those present for a unit, so that no square overflows."""
    loc, scale = jnp.broadcast_arrays(experts.loc, experts.scale)
    mask = is_present.reshape(-1, *[1] * (loc.ndim - 1))
    unit = jnp.min(jnp.where(mask, scale, jnp.inf), axis=0)
    precisions = jnp.where(mask, unit / jnp.where(mask, scale, 1.0), 0.0) ** 2
    total = precisions.sum(axis=0)
    return Normal((precisions * jnp.where(mask, loc, 0.0)).sum(axis=0) / total, unit / jnp.sqrt(total))


def _mixture(components: Normal, is_present: Bool[Array, " component"], prior: Normal) -> Mixture:
    logits = jnp.where(jnp.append(is_present, ~is_present.any()), 0.0, -jnp.inf)
    return Mixture(logits, _with(components, prior))


def _with(experts: Normal, prior: Normal) -> Normal:
    """The experts and, behind them, the prior."""

    def appended(some: Float[Array, "expert *event"], one: Float[Array, "*event"]) -> Array:
        return jnp.concatenate([some, jnp.broadcast_to(one, some.shape[1:])[None]])

    loc, scale = jnp.broadcast_arrays(experts.loc, experts.scale)
    return Normal(appended(loc, prior.loc), appended(scale, prior.scale))  # pyright: ignore[reportArgumentType]
