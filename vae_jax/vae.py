"""A variational autoencoder is three distributions. Read this file first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeGuard

from jaxtyping import Scalar

from vae_jax.types import Distribution, Key, Params


class Draw(NamedTuple):
    """One pass through a model for one sample: everything that an objective may look at."""

    z: Any
    """The sample, z ~ q(z|x)."""
    log_posterior: Scalar
    """log q(z|x), in nats."""
    posterior: Any
    """q(z|x)."""
    prior: Any
    """p(z)."""
    likelihood: Any
    """p(x|z)."""


class VAE(NamedTuple):
    """q(z|x), p(x|z) and p(z), with their parameters bound, for one example.

    It holds functions: parameters cross the boundary of a `jax.jit`, a VAE is made inside it.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> vae = VAE(
        ...     posterior=lambda x: Normal(0.5 * x, jnp.full(2, 0.7)),
        ...     likelihood=lambda z: Normal(z, jnp.ones(2)),
        ...     prior=standard_normal(2),
        ... )
        >>> draw(jax.random.key(0), vae, jnp.ones(2)).z.shape
        (2,)
    """

    posterior: Callable[[Any], Distribution]
    """x -> q(z|x), the encoder."""
    likelihood: Callable[[Any], Distribution]
    """z -> p(x|z), the decoder."""
    prior: Distribution
    """p(z)."""


class JointPosterior(Distribution, Protocol):
    """A posterior that shares a pass with the prior and the likelihood, as that of a hierarchy does.

    A draw asks it for all three at once. It takes the prior and the likelihood from the VAE that it is given, so that
    what was put in their place is what is drawn with.
    """

    def draw(self, key: Key, vae: VAE) -> Draw:
        """One sample, and the three distributions along it."""
        ...

    def draw_at(self, z: Any, vae: VAE) -> Draw:
        """The three distributions along a given z."""
        ...


class Model(NamedTuple):
    """A family of VAEs: how its parameters begin, and the VAE that they make."""

    init: Callable[[Key], Params]
    """key -> parameters."""
    bind: Callable[[Params], VAE]
    """parameters -> VAE."""


def draw(key: Key, vae: VAE, x: Any) -> Draw:
    """One sample z ~ q(z|x) and the three distributions evaluated along it.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.

    Returns:
        A `Draw`; its z is differentiable in the parameters of the posterior where that is reparametrised.
    """
    posterior = vae.posterior(x)
    if _is_joint(posterior):
        return posterior.draw(key, vae)
    z, log_posterior = posterior.sample_and_log_prob(key)
    return Draw(z, log_posterior, posterior, vae.prior, vae.likelihood(z))


def draw_at(z: Any, posterior: Distribution, vae: VAE) -> Draw:
    """The three distributions along a given z, whose density the posterior gives.

    Args:
        z: A value of the latents.
        posterior: q(z|x), from `vae.posterior`.
        vae: The model, parameters bound.
    """
    if _is_joint(posterior):
        return posterior.draw_at(z, vae)
    return Draw(z, posterior.log_prob(z), posterior, vae.prior, vae.likelihood(z))


def _is_joint(posterior: Distribution) -> TypeGuard[JointPosterior]:
    return hasattr(posterior, "draw_at")
