"""The importance-weighted bound."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.objectives.kl_estimators import analytic_kl, sampled_kl
from vae_jax.objectives.over_draws import over_draws
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE, Draw


def iwae(
    key: Key,
    vae: VAE,
    x: Float[Array, "*event"],
    *,
    num_samples: int,
    kl: Callable[[Draw], Scalar] = sampled_kl,
) -> tuple[Scalar, Metrics]:
    """The importance-weighted bound of one example with K samples, which tightens from the ELBO to log p(x).

    log (1/K) Σₖ wₖ, with log wₖ = log p(x|zₖ) − (log q(zₖ|x) − log p(zₖ)), zₖ ~ q(z|x).

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.
        num_samples: K ≥ 1; 1 is the ELBO.
        kl: The log-ratio log q(z|x) − log p(z) at the drawn z: `sampled_kl` or `sticking_the_landing_kl`.
            `analytic_kl` is an expectation, not the ratio at z, and is refused.

    Returns:
        The value in nats per example (higher is better), and the metrics `log_likelihood` and `kl` (nats, plain means
        over the samples) and `effective_sample_size` (between 1 and K).

    Raises:
        TypeError: If the posterior has no density.
        ValueError: If `kl` is `analytic_kl`.

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, equation 8.
    """
    if kl is analytic_kl:
        raise ValueError(
            "expected an estimator of the log-ratio at the drawn z; got analytic_kl, its expectation, with which the "
            "value is no bound; use kl=sampled_kl or kl=sticking_the_landing_kl"
        )

    def terms(draw: Draw) -> tuple[Scalar, Scalar]:
        return draw.likelihood.log_prob(x), kl(draw)

    log_likelihood, log_ratio = over_draws(key, vae, x, num_samples, terms)
    log_weights = log_likelihood - log_ratio
    return formulas.importance_weighted_bound(log_weights), {
        "log_likelihood": jnp.mean(log_likelihood),
        "kl": jnp.mean(log_ratio),
        "effective_sample_size": formulas.effective_sample_size(log_weights),
    }
