"""The variational Rényi bounds."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import weighted
from vae_jax.objectives.bounds.log_weights import bound_of_log_weights
from vae_jax.objectives.gradients.estimators import Estimator, pathwise
from vae_jax.stated import smooth
from vae_jax.types import Key, Metrics
from vae_jax.vae import VAE


def renyi(
    key: Key,
    vae: VAE,
    x: Any,
    *,
    alpha: float | Scalar,
    num_samples: int,
    estimator: Estimator = pathwise,
) -> tuple[Scalar, Metrics]:
    """The variational Rényi bound of one example (VR-α), which falls as α grows.

    1/(1 − α) log (1/K) Σₖ wₖ^(1 − α), zₖ ~ q(z|x). As K grows it nears log p(x) − D_α(q(z|x) ‖ p(z|x)): a lower bound
    for α > 0, an upper one for α < 0. With finite K the upper bound may fail: the value may be too low.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        alpha: α, any number or a traced scalar: 0 is `iwae`; 1 is the ELBO, the limit of the formula.
        num_samples: K ≥ 1.
        estimator: The estimator of the gradient, as for `iwae`.

    Returns:
        The value in nats per example (higher is better), and the metrics of `iwae`.

    Raises:
        TypeError, ValueError: As `iwae` does.

    Source: Li & Turner 2016, arXiv:1602.02311.
    """
    bound = smooth(lambda weights: _renyi_bound(weights, alpha))
    return bound_of_log_weights(key, vae, x, num_samples, bound, estimator)


def vr_max(key: Key, vae: VAE, x: Any, *, num_samples: int, estimator: Estimator = pathwise) -> tuple[Scalar, Metrics]:
    """The greatest log-weight of K samples: the variational Rényi bound for α → −∞. It bounds nothing.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example: an array, or a pytree of arrays where it has several parts.
        num_samples: K ≥ 1; 1 is the ELBO.
        estimator: The estimator of the gradient, as for `iwae`, but not `doubly_reparametrised`.

    Returns:
        The value in nats per example (higher is better), and the metrics of `iwae`.

    Raises:
        TypeError: As `iwae` does.
        ValueError: As `iwae` does, and if the estimator is `doubly_reparametrised`: the choice of the greatest sample
            jumps with z, so it has no derivative to reparametrise.

    Source: Li & Turner 2016, arXiv:1602.02311 (VR-max).
    """
    return bound_of_log_weights(key, vae, x, num_samples, jnp.max, estimator)


def _renyi_bound(log_weights: Float[Array, " num"], alpha: float | Scalar) -> Scalar:
    power = jnp.asarray(1 - alpha, jnp.promote_types(log_weights.dtype, jnp.float32))
    is_limit = power == 0
    safe = jnp.where(is_limit, 1, power)
    # A weight of zero adds nothing to the mean of a positive power; it makes that of any other power infinite.
    is_zero = log_weights == -jnp.inf
    is_nothing = jnp.where(power > 0, jnp.all(is_zero), jnp.any(is_zero))
    finite = jnp.where(is_zero, 0, log_weights)
    powers = jnp.where(is_zero & ~is_nothing, -jnp.inf, safe * finite)
    # log mean exp by expm1 and log1p: near α = 1 it is divided by next to nothing, and no digit may be lost before.
    greatest = jax.lax.stop_gradient(jnp.max(powers))
    general = (greatest + jnp.log1p(jnp.mean(jnp.expm1(powers - greatest)))) / safe
    # Next to the limit stands its first-order term, so that the derivative in α is right there too.
    limit = jnp.mean(finite) + weighted(power, jnp.var(finite)) / 2
    return jnp.where(is_nothing, -jnp.inf, jnp.where(is_limit, limit, general))
