"""The thermodynamic variational objective."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.objectives.bounds.log_weights import log_weights_of, metrics_of, terms_of
from vae_jax.objectives.gradients.score_function import over_fixed_draws, reinforced
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


def tvo(
    key: Key,
    vae: VAE,
    x: Any,
    *,
    num_samples: int,
    num_partitions: int,
    smallest_beta: float | Scalar = 0.025,
) -> tuple[Scalar, Metrics]:
    """The thermodynamic variational objective (TVO) of one example: a left Riemann sum of an integral that is log p(x).

    log p(x) = ∫₀¹ E_β[log w] dβ, log w = log p(x, z) − log q(z|x), with the expectation under a density proportional to
    q(z|x)^(1 − β) p(x, z)^β. That expectation never falls with β, so the left sum is a lower bound and the right one an
    upper bound. All expectations are estimated with the same K samples, reweighted by wₖ^β, which is exact as K grows.

    Its gradient holds z fixed: ∇ E_β[f] = E_β[∇f] + Cov_β(f, ∇ log (q^(1 − β) p^β)). So it trains any posterior,
    discrete ones too.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        num_samples: K ≥ 1, the number of samples.
        num_partitions: The number of steps of the sum, ≥ 1; with 1 it is the ELBO.
        smallest_beta: β₁ in (0, 1), a number or a traced scalar: the points are 0 and, evenly spaced in log β, those
            from β₁ to 1.

    Returns:
        The left sum in nats per example (higher is better), the metrics of `iwae`, and the metric `upper_bound`, the
        right sum.

    Raises:
        ValueError: If there is no sample or no partition.
        TypeError: If the posterior has no density.

    Source: Masrani, Le & Wood 2019, arXiv:1907.00031.
    """
    if num_partitions < 1:
        raise ValueError(f"expected num_partitions of at least 1; got {num_partitions}")
    of_draw = terms_of(x)
    terms, log_posterior = over_fixed_draws(key, vae, x, num_samples, lambda draw: (of_draw(draw), draw.log_posterior))
    log_weights = log_weights_of(terms)
    left, right, signals = _riemann_sums(log_weights, smallest_beta, num_partitions)
    # Differentiated in the log-weights, the left sum gives E_β[∇f] and the covariance with ∇ log w^β. What is missing
    # is the covariance with ∇ log q: the samples come from q, and the density in between is q w^β.
    return left + reinforced(signals, log_posterior), metrics_of(terms) | {"upper_bound": right}


def _riemann_sums(
    log_weights: Float[Array, " num"], smallest_beta: float | Scalar, num_partitions: int
) -> tuple[Scalar, Scalar, Float[Array, " num"]]:
    """The left and the right sum, and the weight of each sample's score in the covariances of the left one."""
    exponents = jnp.arange(num_partitions - 1, -1, -1) / max(num_partitions - 1, 1)
    betas = jnp.concatenate([jnp.zeros(1), jnp.asarray(smallest_beta) ** exponents]).astype(log_weights.dtype)
    # A weight of zero is out of all expectations but the first, that of the posterior itself, which it makes −∞: what
    # is left of the sums then has no gradient.
    is_zero = log_weights == -jnp.inf
    finite = jnp.where(is_zero, 0, log_weights)
    exponent = betas[:, None]
    tempered = jnp.where(is_zero[None] & (exponent > 0) & ~jnp.all(is_zero), -jnp.inf, exponent * finite[None])
    weights = jax.nn.softmax(tempered, axis=1)
    expectations = weights @ finite
    deviations = weights * (finite[None] - expectations[:, None])
    widths = jnp.diff(betas)
    left = jnp.where(jnp.any(is_zero), -jnp.inf, widths @ expectations[:-1])
    right = jnp.where(jnp.all(is_zero), -jnp.inf, widths @ expectations[1:])
    return left, right, jnp.where(jnp.any(is_zero), 0, widths @ deviations[:-1])
