"""The objective of an ordinary autoencoder: reconstruction alone."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Scalar

from vae_jax.objectives.over_draws import over_draws
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


def autoencoder(key: Key, vae: VAE, x: Any, *, num_samples: int = 1) -> tuple[Scalar, Metrics]:
    """The expected reconstruction log-likelihood, with no KL: (1/L) Σₗ log p(x|zₗ), zₗ ~ q(z|x).

    Nothing holds the codes together, so the latent space has no order and the value bounds nothing. With a
    `PointMass` posterior and a Gaussian likelihood of unit scale it is the squared error of an ordinary autoencoder:
    −½ ‖x − decode(encode(x))‖² − ½ d log 2π.

    Args:
        key: A random key; without effect if the posterior is a point mass.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        num_samples: L ≥ 1; 1 is exact for a point mass.

    Returns:
        The value in nats per example (higher is better), and the metric `log_likelihood`, the same number.
    """
    log_likelihood = jnp.mean(over_draws(key, vae, x, num_samples, lambda draw: draw.likelihood.log_prob(x)))
    return log_likelihood, {"log_likelihood": log_likelihood}
