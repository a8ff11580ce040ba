"""The importance-weighted bound, and its partial averages."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import weighted
from vae_jax.formulas import importance_weighted_bound
from vae_jax.objectives.bounds.log_weights import bound_of_log_weights, log_weights_of, metrics_of, terms_of
from vae_jax.objectives.gradients.apart import apart
from vae_jax.objectives.gradients.estimators import Estimator, pathwise
from vae_jax.stated import smooth
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


def iwae(key: Key, vae: VAE, x: Any, *, num_samples: int, estimator: Estimator = pathwise) -> tuple[Scalar, Metrics]:
    """The importance-weighted bound of one example with K samples, which tightens from the ELBO to log p(x).

    log (1/K) Σₖ wₖ, with log wₖ = log p(x|zₖ) − (log q(zₖ|x) − log p(zₖ)), zₖ ~ q(z|x).

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        num_samples: K ≥ 1; 1 is the ELBO.
        estimator: The estimator of the gradient: `pathwise`, `doubly_reparametrised`, and for posteriors without
            reparametrisation `leave_one_out` (VIMCO) or `score_function`. The value is the same.

    Returns:
        The value in nats per example (higher is better), and the metrics `log_likelihood` and `kl` (nats, plain means
        over the samples) and `effective_sample_size` (between 1 and K).

    Raises:
        TypeError: If the posterior has no density, or lacks what the estimator needs.
        ValueError: If the estimator is `sticking_the_landing`, which is biased here.

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, equation 8.
    """
    return bound_of_log_weights(key, vae, x, num_samples, importance_weighted_bound, estimator)


def miwae(
    key: Key,
    vae: VAE,
    x: Any,
    *,
    num_groups: int,
    num_samples: int,
    estimator: Estimator = pathwise,
) -> tuple[Scalar, Metrics]:
    """The mean of M independent importance-weighted bounds of K samples each: as loose as one, and less noisy.

    (1/M) Σₘ log (1/K) Σₖ wₘₖ. More groups at the same M K strengthen the encoder's gradient against its noise.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        num_groups: M ≥ 1; 1 is `iwae`.
        num_samples: K ≥ 1, in each group; 1 is the ELBO with M samples.
        estimator: The estimator of the gradient, as for `iwae`.

    Returns:
        The value in nats per example (higher is better), and the metrics of `iwae` over all M K samples.

    Raises:
        TypeError, ValueError: As `iwae` does.

    Source: Rainforth et al. 2018, arXiv:1802.04537 (MIWAE).
    """
    bound = smooth(lambda weights: _mean_over_groups(weights, num_groups))
    return bound_of_log_weights(key, vae, x, num_groups * num_samples, bound, estimator)


def piwae(key: Key, vae: VAE, x: Any, *, num_groups: int, num_samples: int) -> tuple[Scalar, Metrics]:
    """The importance-weighted bound of M K samples, whose encoder is trained by `miwae` with M groups of K of them.

    Each part gets the gradient that serves it best: the prior and the likelihood that of the tightest bound, the
    posterior that with the least noise.

    Args:
        key: A random key.
        vae: The model, parameters bound; encoder and decoder may share no parameters.
        x: One example: an array, or a pytree of arrays where it has several parts.
        num_groups: M ≥ 1; 1 is `iwae`.
        num_samples: K ≥ 1, in each group.

    Returns:
        The value of `iwae` with M K samples, in nats per example (higher is better), and its metrics.

    Raises:
        TypeError: If the posterior has no density.

    Source: Rainforth et al. 2018, arXiv:1802.04537 (PIWAE).
    """
    parts = apart(key, vae, x, num_groups * num_samples, terms_of(x))
    of_posterior = parts.pathwise_gradient(lambda terms: _mean_over_groups(log_weights_of(terms), num_groups))
    return importance_weighted_bound(log_weights_of(parts.terms)) + of_posterior, metrics_of(parts.terms)


def ciwae(
    key: Key,
    vae: VAE,
    x: Any,
    *,
    beta: float | Scalar,
    num_samples: int,
    estimator: Estimator = pathwise,
) -> tuple[Scalar, Metrics]:
    """The weighted mean of the ELBO and the importance-weighted bound of the same K samples: β ELBO + (1 − β) IWAE.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        beta: β in [0, 1], a number or a traced scalar; 0 is `iwae`, 1 the ELBO with K samples.
        num_samples: K ≥ 1.
        estimator: The estimator of the gradient, as for `iwae`.

    Returns:
        The value in nats per example (higher is better), and the metrics of `iwae`.

    Raises:
        TypeError, ValueError: As `iwae` does.

    Source: Rainforth et al. 2018, arXiv:1802.04537 (CIWAE).
    """

    @smooth
    def bound(weights: Float[Array, " num"]) -> Scalar:
        return weighted(beta, jnp.mean(weights)) + weighted(1 - beta, importance_weighted_bound(weights))

    return bound_of_log_weights(key, vae, x, num_samples, bound, estimator)


def _mean_over_groups(weights: Float[Array, " num"], num_groups: int) -> Scalar:
    return jnp.mean(jax.vmap(importance_weighted_bound)(weights.reshape(num_groups, -1)))
