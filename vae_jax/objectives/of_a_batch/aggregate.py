"""The aggregate posterior q(z) = (1/N) Σₙ q(z|xₙ), whose density a minibatch can only estimate.

An estimate is a weighted sum over the batch, log q̂(zᵢ) = log Σⱼ wᵢⱼ q(zᵢ|xⱼ); the two estimators are two tables of
log wᵢⱼ. With the whole data set as the batch, `minibatch_stratified` is q(z) itself.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.arithmetic import log_sum_exp
from vae_jax.distributions import Normal
from vae_jax.types import Distribution


class AggregateLogProb(NamedTuple):
    """The aggregate posterior at the code of each example, in nats."""

    joint: Float[Array, " batch"]
    """log q(zᵢ)."""
    marginals: Float[Array, "batch latent"]
    """log q(zᵢₖ) of each dimension k."""


def minibatch_weighted(batch_size: int, num_examples: float | Scalar) -> Float[Array, "batch batch"]:
    """log wᵢⱼ = −log(N B) for all pairs: sampling weighted by 1/N, as if the other N − 1 examples were far from z.

    Its expectation is at least B times too small, and with the whole data set as the batch exactly N times. So the
    mutual information comes out too large by at least log B, and the dimension-wise KL too small by at least log B a
    dimension. Since the weights are equal, the gradients are those of the plain mean over the batch.

    Args:
        batch_size: B ≥ 1.
        num_examples: N, the number of examples in the training split.

    Source: Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942, equation 3 and appendix C.1.
    """
    return jnp.full((batch_size, batch_size), -jnp.log(jnp.asarray(num_examples, float)) - jnp.log(batch_size))


def minibatch_stratified(batch_size: int, num_examples: float | Scalar) -> Float[Array, "batch batch"]:
    """wᵢᵢ = 1/N for the example that z came from, wᵢⱼ = (N − 1)/(N (B − 1)) for the others.

    An unbiased estimate of q(z) for a batch drawn without replacement, and exactly q(z) where the batch is the whole
    data set; its logarithm is too low on average (Jensen), less so for larger batches.

    Args:
        batch_size: B ≥ 2.
        num_examples: N ≥ B, the number of examples in the training split.

    Raises:
        ValueError: If the batch has one example only.

    Source: Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942, appendix C.2. Differs from the paper: there one example
        of the batch carries what the others leave; here that is averaged over the choice of that example, which keeps
        the expectation and lowers the variance.

    Example:
        >>> print(jnp.exp(minibatch_stratified(3, num_examples=5)).round(3))
        [[0.2 0.4 0.4]
         [0.4 0.2 0.4]
         [0.4 0.4 0.2]]
    """
    if batch_size < 2:
        raise ValueError(f"expected a batch of at least 2 examples to estimate q(z) from; got {batch_size}")
    of_all = jnp.asarray(num_examples, float)
    others = jnp.log(of_all - 1) - jnp.log(of_all) - jnp.log(batch_size - 1)
    return jnp.where(jnp.eye(batch_size, dtype=bool), -jnp.log(of_all), others)


def aggregate_log_prob(
    posterior: Distribution, codes: Float[Array, "batch *latent"], log_weights: Float[Array, "batch batch"]
) -> AggregateLogProb:
    """log q̂(zᵢ) = log Σⱼ wᵢⱼ q(zᵢ|xⱼ), and the same for each dimension.

    It is a function of all codes of the batch.

    Args:
        posterior: q(z|xⱼ) of all examples, with a leading batch axis.
        codes: zᵢ ~ q(z|xᵢ).
        log_weights: log wᵢⱼ, from `minibatch_weighted` or `minibatch_stratified`.

    Raises:
        TypeError: If the posterior's dimensions are not known to be independent.
    """
    if not isinstance(posterior, Normal):
        raise TypeError(
            "expected a posterior that is independent in each dimension, a Normal; "
            f"got {type(posterior).__name__}; penalise its total correlation by factor_vae, which needs no density"
        )

    of_pair = formulas.gaussian_log_prob
    pairs = jax.vmap(jax.vmap(of_pair, (None, 0, 0)), (0, None, None))(codes, posterior.loc, posterior.scale)
    pairs = pairs.reshape(len(codes), len(codes), -1)
    return AggregateLogProb(
        joint=log_sum_exp(log_weights + pairs.sum(axis=-1), axis=1),
        marginals=log_sum_exp(log_weights[:, :, None] + pairs, axis=1),
    )
