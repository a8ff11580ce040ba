"""The latents of one example as one vector: what walks and proposals that know no family need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions import has_density
from vae_jax.distributions.support import is_real
from vae_jax.types import Key
from vae_jax.vae import VAE


class Flat(NamedTuple):
    """p(z) and p(x|z) of one example, as functions of z as one vector."""

    size: int
    """The number of latent dimensions."""
    sample_prior: Callable[[Key], Float[Array, " size"]]
    """key -> z ~ p(z)."""
    log_prior: Callable[[Float[Array, " size"]], Scalar]
    """z -> log p(z), nats."""
    log_likelihood: Callable[[Float[Array, " size"]], Scalar]
    """z -> log p(x|z), nats."""

    def log_joint(self, z: Float[Array, " size"]) -> Scalar:
        """log p(x, z), nats."""
        return self.log_prior(z) + self.log_likelihood(z)


def flat(vae: VAE, x: Any) -> Flat:
    """p(z) and p(x|z) along one vector: that of a flat model, or the groups of a hierarchy one behind the other.

    Args:
        vae: The model, parameters bound.
        x: One example.

    Raises:
        TypeError: If the latents are no vector of real numbers: classes, codes, points on a sphere or a simplex.
    """
    check_real(vae.prior)
    size, unravel = _unraveller(jax.eval_shape(vae.prior.sample, jax.random.key(0)))
    return Flat(
        size,
        sample_prior=lambda key: ravelled(vae.prior.sample(key)),
        log_prior=lambda z: vae.prior.log_prob(unravel(z)),
        log_likelihood=lambda z: vae.likelihood(unravel(z)).log_prob(x),
    )


def ravelled(z: Any) -> Float[Array, " size"]:
    """Latents as one vector."""
    return ravel_pytree(z)[0]


def check_real(prior: Any) -> None:
    """Raise a TypeError unless every latent may be any real number, with a density.

    Args:
        prior: p(z).
    """
    if not has_density(prior) or not is_real(prior):
        raise TypeError(
            f"expected latents that may be any real numbers, along which gradients lead; got those of a "
            f"{type(prior).__name__}; importance sampling by the encoder's q(z|x) takes them"
        )


def _unraveller(template: Any) -> tuple[int, Callable[[Array], Any]]:
    vector, unravel = ravel_pytree(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), template))
    return vector.size, unravel
