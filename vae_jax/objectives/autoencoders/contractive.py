"""The contractive autoencoder."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.objectives.autoencoders.autoencoder import autoencoder
from vae_jax.objectives.autoencoders.jacobian import JacobianNorm, exact_jacobian_norm
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


def contractive_autoencoder(
    key: Key,
    vae: VAE,
    x: Float[Array, "*event"],
    *,
    weight: float | Scalar,
    jacobian_norm: JacobianNorm = exact_jacobian_norm,
) -> tuple[Scalar, Metrics]:
    """Reconstruction, less a penalty on how far the code moves when the example does.

    log p(x|z) − λ ‖∂E[z|x]/∂x‖²_F, z ~ q(z|x), which may be a point mass.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.
        weight: λ ≥ 0, in nats.
        jacobian_norm: `exact_jacobian_norm`, one pass for each latent dimension, or `probed_jacobian_norm`.

    Returns:
        Nats per example (higher is better), which bound nothing; the metrics `log_likelihood` (nats) and
        `encoder_jacobian`, the squared norm without its weight.

    Source: Rifai, Vincent, Muller, Glorot & Bengio 2011, equation 2, for any encoder.
    """
    codes_key, norm_key = jax.random.split(key)
    log_likelihood, metrics = autoencoder(codes_key, vae, x)
    norm = jacobian_norm(norm_key, lambda x: jnp.asarray(vae.posterior(x).mean()), x)
    return log_likelihood - weight * norm, metrics | {"encoder_jacobian": norm}
