"""The evidence lower bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Scalar

from vae_jax.objectives.bounds.kl_estimators import analytic_kl
from vae_jax.objectives.gradients.estimators import Estimator, pathwise
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE, Draw


def elbo(
    key: Key,
    vae: VAE,
    x: Any,
    *,
    beta: float | Scalar = 1.0,
    num_samples: int = 1,
    kl: Callable[[Draw], Array] = analytic_kl,
    penalty: Callable[[Array], Scalar] = jnp.sum,
    estimator: Estimator = pathwise,
) -> tuple[Scalar, Metrics]:
    """The evidence lower bound (ELBO) of one example, estimated with L samples.

    (1/L) Σₗ log p(x|zₗ) − β KL(q(z|x) ‖ p(z)), zₗ ~ q(z|x); for β = 1 its expectation is
    log p(x) − KL(q(z|x) ‖ p(z|x)) ≤ log p(x).

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        beta: The weight of the KL, ≥ 0, a number or a traced scalar. 1 is the bound; above it the latent code is
            squeezed towards the prior (β-VAE); any other value gives no bound on log p(x).
        num_samples: L ≥ 1.
        kl: An estimate of the KL from one draw, whole or in parts: `analytic_kl`, `sampled_kl`,
            `analytic_kl_per_dimension`.
        penalty: The amount that is subtracted, a function of the mean of the KL (or its parts) over the draws: the sum,
            `capacity(C)`, `free_bits(λ)`. Any but the sum gives no bound on log p(x).
        estimator: The estimator of the gradient: `pathwise`, `sticking_the_landing`, `doubly_reparametrised`, and for
            posteriors without reparametrisation `leave_one_out` or `score_function`. The value is the same.

    Returns:
        The value in nats per example (higher is better), and the metrics `log_likelihood` (E log p(x|z), nats) and
        `kl` (nats, neither penalised nor multiplied by β).

    Raises:
        TypeError: If `kl` or `estimator` cannot be computed for this posterior and prior.
        ValueError: If the estimator would be biased: `sticking_the_landing` or `doubly_reparametrised` with a `penalty`
            that is not linear and a `kl` that is estimated from log q(z|x).

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> exact = VAE(lambda x: Normal(x / 2, jnp.sqrt(0.5)), lambda z: Normal(z, 1.0), standard_normal(1))
        >>> value, metrics = elbo(jax.random.key(0), exact, jnp.zeros(1), num_samples=100)
        >>> sorted(metrics)
        ['kl', 'log_likelihood']

    Source: Kingma & Welling 2014, arXiv:1312.6114, equation 7; β: Higgins et al. 2017, equation 4.
    """

    def terms(draw: Draw) -> tuple[Scalar, Array]:
        return draw.likelihood.log_prob(x), kl(draw)

    def value_of(terms: tuple[Array, Array]) -> Scalar:
        log_likelihood, divergence = (jnp.mean(term, axis=0) for term in terms)
        # Not `arithmetic.weighted`, which looks at the KL: estimators would not see that the value is linear in it.
        return log_likelihood - jnp.where(beta == 0, 0.0, beta * penalty(divergence))

    value, (log_likelihood, divergence) = estimator(key, vae, x, num_samples, terms, value_of)
    return value, {"log_likelihood": jnp.mean(log_likelihood), "kl": jnp.sum(jnp.mean(divergence, axis=0))}
