"""What the latent dimensions do."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vae_jax.distributions import kl_per_dimension
from vae_jax.vae import VAE

ACTIVE_VARIANCE = 0.01


class Code(NamedTuple):
    """What an encoder says of one example."""

    mean: Float[Array, " latent"]
    """The mean of q(z|x)."""
    kl_per_dimension: Float[Array, " latent"] | None
    """KL(q(zᵢ|x) ‖ p(zᵢ)), nats; None where it has no closed form, dimension by dimension."""


def code(vae: VAE, x: Array) -> Code:
    """The code of one example."""
    posterior = vae.posterior(x)
    try:
        divergence = kl_per_dimension(posterior, vae.prior)
    except TypeError:
        divergence = None
    return Code(jnp.asarray(posterior.mean()), divergence)


def num_active_units(means: Float[np.ndarray, "num latent"], threshold: float = ACTIVE_VARIANCE) -> int:
    """How many latent dimensions tell examples apart: those whose posterior mean varies over the data.

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
