"""The common parts of bounds that are functions of the log-weights of K samples."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.objectives.bounds.kl_estimators import sampled_kl
from vae_jax.objectives.gradients.estimators import Estimator
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE, Draw

Bound = Callable[[Float[Array, " num"]], Scalar]
"""Log-weights -> nats; a bound that is `smooth` states so."""


def bound_of_log_weights(
    key: Key, vae: VAE, x: Any, num_samples: int, bound: Bound, estimator: Estimator
) -> tuple[Scalar, Metrics]:
    """A bound of log wₖ = log p(x|zₖ) − (log q(zₖ|x) − log p(zₖ)), zₖ ~ q(z|x), and its metrics.

    Raises:
        ValueError: If the estimator finds that it is biased for the bound.
    """

    @wraps(bound)  # with what it states
    def value_of(terms: tuple[Array, Array]) -> Scalar:
        return bound(log_weights_of(terms))

    value, terms = estimator(key, vae, x, num_samples, terms_of(x), value_of)
    return value, metrics_of(terms)


def terms_of(x: Any) -> Callable[[Draw], tuple[Scalar, Scalar]]:
    """The terms that one draw contributes: log p(x|z), and log q(z|x) − log p(z)."""
    return lambda draw: (draw.likelihood.log_prob(x), sampled_kl(draw))


def log_weights_of(terms: tuple[Array, Array]) -> Array:
    """The log-weights, log p(x, z) − log q(z|x)."""
    log_likelihood, log_ratio = terms
    return log_likelihood - log_ratio


def metrics_of(terms: tuple[Array, Array]) -> Metrics:
    """`log_likelihood` and `kl` (nats, plain means over the samples), `effective_sample_size` (between 1 and K)."""
    log_likelihood, log_ratio = terms
    return {
        "log_likelihood": jnp.mean(log_likelihood),
        "kl": jnp.mean(log_ratio),
        "effective_sample_size": formulas.effective_sample_size(log_weights_of(terms)),
    }
