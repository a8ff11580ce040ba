"""DIP-VAE: the covariance of the codes, pressed towards the identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.axis import gathered
from vae_jax.distributions import Normal
from vae_jax.objectives.bounds.kl_estimators import analytic_kl
from vae_jax.objectives.of_a_batch.codes import as_matrix, over_codes
from vae_jax.stated import coupled
from vae_jax.types import Distribution, Key, Metrics
from vae_jax.vae import VAE, Draw


def covariance_of_means(posterior: Distribution) -> Float[Array, "latent latent"]:
    """Covₓ(E[z|x]) over the batch, with 1/B: the covariance of DIP-VAE I.

    Args:
        posterior: q(z|xᵢ) of all examples, with a leading batch axis.
    """
    means = as_matrix(jax.vmap(lambda q: q.mean())(posterior))
    centred = means - means.mean(axis=0, keepdims=True)
    return jnp.matmul(centred.T, centred, precision=jax.lax.Precision.HIGHEST) / len(means)


def covariance_of_codes(posterior: Distribution) -> Float[Array, "latent latent"]:
    """Cov(z) = Covₓ(E[z|x]) + Eₓ[Cov(z|x)] over the batch, by the law of total covariance: that of DIP-VAE II.

    Args:
        posterior: q(z|xᵢ) of all examples, with a leading batch axis.

    Raises:
        TypeError: If the posterior is not a `Normal`, whose covariance is known.
    """
    if not isinstance(posterior, Normal):
        raise TypeError(
            f"expected a Normal posterior, whose covariance is known; got {type(posterior).__name__}; "
            "use covariance_of_means"
        )
    variances = as_matrix(jax.vmap(lambda q: jnp.broadcast_to(jnp.square(q.scale), q.mean().shape))(posterior))
    return covariance_of_means(posterior) + jnp.diag(variances.mean(axis=0))


@coupled
def dip_vae(
    key: Key,
    vae: VAE,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    off_diagonal: float | Scalar,
    diagonal: float | Scalar,
    covariance: Callable[[Distribution], Float[Array, "latent latent"]] = covariance_of_means,
    kl: Callable[[Draw], Scalar] = analytic_kl,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The ELBO less a penalty on the covariance C of the batch's codes, where it is not the identity.

    log p(x|z) − KL(q(z|x) ‖ p(z)) − λ_od Σ_{i≠j} Cᵢⱼ² − λ_d Σᵢ (Cᵢᵢ − 1)², z ~ q(z|x). It is a function of all codes of
    the batch.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        off_diagonal: λ_od ≥ 0.
        diagonal: λ_d ≥ 0; the paper takes 10 λ_od with I, and λ_od with II.
        covariance: `covariance_of_means` for DIP-VAE I, `covariance_of_codes` for II.
        kl: An estimator of the KL from one draw.
        axis_name: Name of the axis of devices that the batch is spread over, whose codes are then gathered.

    Returns:
        Nats for each example (higher is better), all with the same penalty; the metrics are `log_likelihood` and `kl`
        (nats), and `off_diagonal` and `diagonal`, the two sums without their weights.

    Raises:
        TypeError: If the KL or the covariance is not known for this posterior.

    Source: Kumar, Sattigeri & Balakrishnan 2018, arXiv:1711.00848, equations 6 and 7.
    """
    del step
    log_likelihood, divergence, posterior = over_codes(
        key, vae, batch, lambda draw, x: (draw.likelihood.log_prob(x), kl(draw), draw.posterior), axis_name
    )
    matrix = covariance(gathered(posterior, axis_name))
    variances = jnp.diag(matrix)
    sums = {
        "off_diagonal": jnp.sum(jnp.square(matrix - jnp.diag(variances))),
        "diagonal": jnp.sum(jnp.square(variances - 1)),
    }
    penalty = off_diagonal * sums["off_diagonal"] + diagonal * sums["diagonal"]
    shared = {name: jnp.broadcast_to(value, log_likelihood.shape) for name, value in sums.items()}
    return log_likelihood - divergence - penalty, {"log_likelihood": log_likelihood, "kl": divergence} | shared
