"""The regularised autoencoder: a small code and a smooth decoder in place of noise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

from vae_jax.objectives.autoencoders.jacobian import JacobianNorm, exact_jacobian_norm
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE, draw


def rae(
    key: Key,
    vae: VAE,
    x: Any,
    *,
    beta: float | Scalar,
    gradient_weight: float | Scalar | None = None,
    jacobian_norm: JacobianNorm = exact_jacobian_norm,
) -> tuple[Scalar, Metrics]:
    """Reconstruction, less penalties on the size of the code and, for RAE-GP, on the slope of the decoder.

    log p(x|z) − β ½ ‖z‖² − λ ‖∂E[x|z]/∂z‖²_F, z the point that the encoder gives. The paper's other ways to a smooth
    decoder are no function of an example, and go beside it: for RAE-L2 weight decay of the decoder in the optimizer,
    before its moments (`optax.masked(optax.add_decayed_weights(2 * λ), ...)` is the gradient of λ ‖θ‖²); for RAE-SN
    `networks.with_spectral_norm(decoder)`.

    Args:
        key: A random key; without effect on a point mass.
        vae: The model, parameters bound; its posterior a `PointMass`.
        x: One example: an array, or a pytree of arrays where it has several parts.
        beta: β ≥ 0, in nats.
        gradient_weight: λ ≥ 0, in nats; None to leave that penalty out.
        jacobian_norm: `exact_jacobian_norm`, one pass for each latent dimension, or `probed_jacobian_norm`.

    Returns:
        Nats per example (higher is better), which bound nothing; the metrics `log_likelihood` (nats), `squared_code`
        (‖z‖²) and, with that penalty, `decoder_jacobian`, without their weights.

    Source: Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020, arXiv:1903.12436, section 3. Differs from the
        paper: a log-likelihood in place of a squared error; with a unit Gaussian it is −½ of theirs.
    """
    draw_key, norm_key = jax.random.split(key)
    drawn = draw(draw_key, vae, x)
    log_likelihood, squared_code = drawn.likelihood.log_prob(x), jnp.sum(jnp.square(drawn.z))
    value, metrics = log_likelihood - beta * 0.5 * squared_code, {"log_likelihood": log_likelihood}
    if gradient_weight is None:
        return value, metrics | {"squared_code": squared_code}
    norm = jacobian_norm(norm_key, lambda z: vae.likelihood(z).mean(), drawn.z)
    return value - gradient_weight * norm, metrics | {"squared_code": squared_code, "decoder_jacobian": norm}
