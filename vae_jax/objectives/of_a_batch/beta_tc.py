"""The KL in three parts, and the ELBO that weighs them separately."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Array, Float, Scalar

from vae_jax.axis import gathered, own_share
from vae_jax.objectives.of_a_batch.aggregate import AggregateLogProb, aggregate_log_prob, minibatch_stratified
from vae_jax.objectives.of_a_batch.codes import over_codes
from vae_jax.stated import coupled
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


class KLParts(NamedTuple):
    """Estimates of the three parts of KL(q(z|x) ‖ p(z)), in nats for each example; their sum estimates the KL."""

    mutual_information: Float[Array, " batch"]
    """Mutual information of code and index: log q(z|x) − log q(z)."""
    total_correlation: Float[Array, " batch"]
    """Total correlation of the dimensions of the code: log q(z) − Σₖ log q(zₖ)."""
    dimension_wise_kl: Float[Array, " batch"]
    """KL of each dimension to the prior, summed: Σₖ log q(zₖ) − log p(z)."""


def kl_parts(
    log_posterior: Float[Array, " batch"], aggregate: AggregateLogProb, log_prior: Float[Array, " batch"]
) -> KLParts:
    """Mean KL(q(z|x) ‖ p(z)) = I(x; z) + TC(z) + Σₖ KL(q(zₖ) ‖ p(zₖ)), from the log-densities at each code.

    Args:
        log_posterior: log q(zᵢ|xᵢ).
        aggregate: log q(zᵢ) and log q(zᵢₖ).
        log_prior: log p(zᵢ).

    Returns:
        Nats for each example, of either sign; their means over the data are ≥ 0 where the aggregate is exact.

    Source: Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942, equation 2.
    """
    of_dimensions = aggregate.marginals.sum(axis=-1)
    return KLParts(log_posterior - aggregate.joint, aggregate.joint - of_dimensions, of_dimensions - log_prior)


@coupled
def beta_tcvae(
    key: Key,
    vae: VAE,
    batch: Any,
    step: Scalar | int,
    /,
    *,
    num_examples: float | Scalar,
    alpha: float | Scalar = 1.0,
    beta: float | Scalar = 1.0,
    gamma: float | Scalar = 1.0,
    aggregate: Callable[[int, float | Scalar], Float[Array, "batch batch"]] = minibatch_stratified,
    axis_name: str | None = None,
) -> tuple[Float[Array, " batch"], Metrics]:
    """The ELBO of a batch with a weight of its own for each part of the KL; β > 1 presses for independent dimensions.

    log p(x|z) − α I(x; z) − β TC(z) − γ Σₖ KL(q(zₖ) ‖ p(zₖ)), each estimated at one z ~ q(z|x). For α = β = γ the
    aggregate cancels, and it is the β-VAE with the sampled KL. It is a function of all codes of the batch.

    Args:
        key: A random key.
        vae: The model, parameters bound; its posterior is a `Normal` over a vector.
        batch: The examples, along the first axis.
        step: The training step; without effect.
        num_examples: N, the number of examples in the training split.
        alpha: Weight of the mutual information, ≥ 0.
        beta: Weight of the total correlation, ≥ 0.
        gamma: Weight of the dimension-wise KL, ≥ 0.
        aggregate: The estimator of q(z): `minibatch_stratified` or `minibatch_weighted`.
        axis_name: Name of the axis of devices that the batch is spread over, whose codes are then gathered.

    Returns:
        Nats for each example (higher is better); the metrics, in nats, are `log_likelihood`, `kl`, and its parts
        `mutual_information`, `total_correlation` and `dimension_wise_kl`, without their weights.

    Raises:
        TypeError: If the posterior is not a `Normal`.
        ValueError: If the batch is too small for the estimate.

    Source: Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942, equation 4. Differs from the paper: the stratified
        estimate of the aggregate is the default, which does not shift the reported parts.
    """
    del step
    of_share = over_codes(
        key,
        vae,
        batch,
        lambda draw, x: (
            draw.likelihood.log_prob(x),
            draw.z,
            draw.posterior,
            draw.log_posterior,
            draw.prior.log_prob(draw.z),
        ),
        axis_name,
    )
    log_likelihood, codes, posterior, log_posterior, log_prior = gathered(of_share, axis_name)
    log_weights = aggregate(len(codes), num_examples)
    parts = kl_parts(log_posterior, aggregate_log_prob(posterior, codes, log_weights), log_prior)
    penalty = alpha * parts.mutual_information + beta * parts.total_correlation + gamma * parts.dimension_wise_kl
    metrics = {"log_likelihood": log_likelihood, "kl": log_posterior - log_prior} | parts._asdict()
    return own_share((log_likelihood - penalty, metrics), axis_name)
