"""Corruptions of an example, and objectives that reconstruct the clean one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.types import Key, Objective, Value
from vae_jax.vae import VAE

Corruption = Callable[[Key, Float[Array, "*event"]], Float[Array, "*event"]]
"""(key, x) -> a corrupted x: `functools.partial(masking, probability=0.3)`."""


def denoising(objective: Objective, corruption: Corruption) -> Objective:
    """An objective whose encoder sees a corrupted example, while the clean one is to be reconstructed.

    With `autoencoder` it is the denoising autoencoder, E log p(x|z), z ~ q(z|x̃); with `elbo` the denoising VAE, whose
    value still bounds log p(x): x̃ is noise that the posterior mixes over.

    Args:
        objective: An objective of one example: `autoencoder`, `elbo`.
        corruption: (key, x) -> x̃.

    Returns:
        An objective with the options and metrics of the one given.

    Example:
        >>> from functools import partial
        >>> from vae_jax.objectives import autoencoder, over_batch
        >>> objective = over_batch(denoising(autoencoder, partial(masking, probability=0.3)))

    Source: Vincent, Larochelle, Bengio & Manzagol 2008, section 2; for the VAE: Im, Ahn, Memisevic & Bengio 2017,
        arXiv:1511.06406, section 3.
    """

    @wraps(objective)
    def denoised(key: Key, vae: VAE, x: Any, **options: Any) -> Value:
        corruption_key, key = jax.random.split(key)
        return objective(key, _seeing(vae, corruption(corruption_key, x)), x, **options)

    return denoised


def gaussian_noise(key: Key, x: Float[Array, "*event"], *, scale: float | Scalar) -> Float[Array, "*event"]:
    """x + σ ε, with ε standard normal.

    Args:
        key: A random key.
        x: One example.
        scale: σ ≥ 0.
    """
    return x + scale * jax.random.normal(key, x.shape, x.dtype)


def masking(key: Key, x: Float[Array, "*event"], *, probability: float | Scalar) -> Float[Array, "*event"]:
    """Each element set to zero with a probability, independently of the others.

    Args:
        key: A random key.
        x: One example.
        probability: Between 0 and 1.
    """
    return jnp.where(jax.random.bernoulli(key, probability, x.shape), jnp.zeros_like(x), x)


def salt_and_pepper(
    key: Key,
    x: Float[Array, "*event"],
    *,
    probability: float | Scalar,
    low: float | Scalar = 0.0,
    high: float | Scalar = 1.0,
) -> Float[Array, "*event"]:
    """Each element replaced with a probability, by the lowest or the highest value with even chances.

    Args:
        key: A random key.
        x: One example.
        probability: The probability of being replaced, between 0 and 1.
        low: The pepper.
        high: The salt.
    """
    is_replaced_key, is_salt_key = jax.random.split(key)
    grains = jnp.where(jax.random.bernoulli(is_salt_key, 0.5, x.shape), high, low).astype(x.dtype)
    return jnp.where(jax.random.bernoulli(is_replaced_key, probability, x.shape), grains, x)


def _seeing(vae: VAE, corrupted: Any) -> VAE:
    """A VAE whose encoder sees this one example, whatever it is given."""
    return vae._replace(posterior=lambda x: vae.posterior(corrupted))
