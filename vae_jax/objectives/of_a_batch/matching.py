"""Objectives that match the aggregate posterior q(z) = E q(z|x) to the prior: WAE, sliced WAE, InfoVAE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.axis import gathered
from vae_jax.objectives.bounds.kl_estimators import analytic_kl
from vae_jax.objectives.of_a_batch.codes import over_codes
from vae_jax.stated import coupled
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE, Draw

Discrepancy = Callable[[Key, Float[Array, "batch *latent"], Float[Array, "batch *latent"]], Scalar]
"""(key, codes, samples of the prior) -> how far apart they are: `partial(sliced_wasserstein, num_projections=50)`, or
`lambda key, codes, prior: maximum_mean_discrepancy(codes, prior, kernel)`."""


@coupled
def wae(
    key: Key,
    vae: VAE,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    weight: float | Scalar,
    discrepancy: Discrepancy,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The Wasserstein autoencoder: reconstruction, less the discrepancy between the codes of a batch and the prior.

    log p(x|z) − λ D(q(z), p(z)), z ~ q(z|x), which may be a point mass. With the maximum mean discrepancy it is
    WAE-MMD, with the sliced Wasserstein distance the sliced WAE. It is a function of all codes of the batch.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        weight: λ ≥ 0, in nats per unit of D.
        discrepancy: D, a function of a key, the codes, and as many samples of the prior.
        axis_name: Name of the axis of devices that the batch is spread over, whose codes are then gathered.

    Returns:
        Nats for each example (higher is better), all with the same penalty, which bound nothing; the metrics are
        `log_likelihood` (nats) and `discrepancy` (without its weight).

    Source: Tolstikhin, Bousquet, Gelly & Schölkopf 2018, arXiv:1711.01558, equation 4 and algorithm 2; Kolouri et al.
        2018, arXiv:1804.01947, algorithm 1. Differs from the paper: a log-likelihood in place of a cost. With a unit
        Gaussian it is −½ of their squared error, so their λ is twice this one.
    """
    del step
    codes_key, prior_key, discrepancy_key = jax.random.split(key, 3)
    log_likelihood, own_codes = over_codes(
        codes_key, vae, batch, lambda draw, x: (draw.likelihood.log_prob(x), draw.z), axis_name
    )
    codes = gathered(own_codes, axis_name)
    distance = discrepancy(discrepancy_key, codes, prior_samples(prior_key, vae, len(codes)))
    shared = jnp.broadcast_to(distance, log_likelihood.shape)
    return log_likelihood - weight * shared, {"log_likelihood": log_likelihood, "discrepancy": shared}


@coupled
def info_vae(
    key: Key,
    vae: VAE,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    alpha: float | Scalar,
    weight: float | Scalar,
    discrepancy: Discrepancy,
    kl: Callable[[Draw], Scalar] = analytic_kl,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The ELBO with the mutual information of x and z favoured by α, and the aggregate held to the prior by λ.

    log p(x|z) − (1 − α) KL(q(z|x) ‖ p(z)) − (α + λ − 1) D(q(z), p(z)), z ~ q(z|x). α = 0 and λ = 1 is the ELBO; α = 1
    is `wae`. It is a function of all codes of the batch.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        alpha: α ≤ 1, how far the mutual information is favoured.
        weight: λ > 0, the weight of the KL between aggregate and prior that D stands for.
        discrepancy: D, a function of a key, the codes, and as many samples of the prior.
        kl: An estimator of the KL from one draw.
        axis_name: Name of the axis of devices that the batch is spread over, whose codes are then gathered.

    Returns:
        Nats for each example (higher is better), all with the same share of D; the metrics are `log_likelihood` and
        `kl` (nats), and `discrepancy`, without their weights.

    Raises:
        TypeError: If `kl` cannot be computed for this pair of posterior and prior.

    Source: Zhao, Song & Ermon 2019, arXiv:1706.02262, equation 6.
    """
    del step
    codes_key, prior_key, discrepancy_key = jax.random.split(key, 3)
    log_likelihood, divergence, own_codes = over_codes(
        codes_key, vae, batch, lambda draw, x: (draw.likelihood.log_prob(x), kl(draw), draw.z), axis_name
    )
    codes = gathered(own_codes, axis_name)
    distance = discrepancy(discrepancy_key, codes, prior_samples(prior_key, vae, len(codes)))
    shared = jnp.broadcast_to(distance, log_likelihood.shape)
    values = log_likelihood - (1 - alpha) * divergence - (alpha + weight - 1) * shared
    return values, {"log_likelihood": log_likelihood, "kl": divergence, "discrepancy": shared}


def prior_samples(key: Key, vae: VAE, num: int) -> Float[Array, "num *latent"]:
    """Independent samples of p(z), along the first axis."""
    return jax.vmap(vae.prior.sample)(jax.random.split(key, num))
