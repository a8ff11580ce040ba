"""The use that a model makes of its latent dimensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.distributions import Product, kl_per_dimension, kl_per_part
from vae_jax.evaluation.chosen import Chosen, chosen
from vae_jax.types import Key
from vae_jax.vae import VAE, draw

ACTIVE_VARIANCE = 0.01


class Code(NamedTuple):
    """The code of one example from an encoder, and its divergences."""

    mean: Any
    """The mean of q(z|x), an array or, for a hierarchy, one for each group."""
    kl_per_dimension: Float[Array, " latent"] | None
    """KL(q(zᵢ|x) ‖ p(zᵢ)), nats; None where it has no closed form, dimension by dimension."""
    kl_per_group: dict[str, Scalar] | None
    """The same for each group of a hierarchy or part of a product; None where there are none, or no closed form."""
    chosen: Chosen | None
    """The choice of codes, where the latent is one."""


def code(key: Key, vae: VAE, x: Any) -> Code:
    """The code of one example, and its divergences along one draw; only those of a hierarchy depend on the draw."""
    one = draw(key, vae, x)

    def closed_form(divergence: Callable[[Any, Any], Any]) -> Any:
        try:
            return divergence(one.posterior, one.prior)
        except TypeError:
            return None

    has_groups = isinstance(one.posterior, Product) and isinstance(one.prior, Product)
    return Code(
        jax.tree.map(jnp.asarray, vae.posterior(x).mean()),
        closed_form(kl_per_dimension),
        closed_form(kl_per_part) if has_groups else None,
        chosen(one),
    )


def rows_of(codes: Any) -> Float[np.ndarray, "num latent"]:
    """Codes of examples, an array or a pytree of them, as rows of numbers: groups in the order of their names."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(codes)]
    return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)


def num_active_units(means: Float[np.ndarray, "num latent"], threshold: float = ACTIVE_VARIANCE) -> int:
    """The number of latent dimensions that tell examples apart: their posterior mean varies over the data.

    A dimension i is active where Varₓ(E[zᵢ|x]) > 0.01. The others have collapsed onto the prior.

    Args:
        means: The posterior mean of each example.
        threshold: The variance above which a unit is active.

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, section 5.2.

    Example:
        >>> num_active_units(np.array([[1.0, 0.0], [-1.0, 0.01]]))
        1
    """
    return int((means.var(axis=0) > threshold).sum())


def most_active(kl: Float[np.ndarray, " latent"], num: int) -> Int[np.ndarray, " num"]:
    """The `num` dimensions of greatest KL, greatest first."""
    return np.argsort(-np.asarray(kl), kind="stable")[:num]
