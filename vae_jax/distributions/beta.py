"""The Beta distribution."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import log_quotient
from vae_jax.distributions.stirling import HALF_LOG_TWO_PI, deviance_of_two, stirling_error
from vae_jax.distributions.support import UNIT_INTERVAL
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key

_SMALLEST = 2.0**-24


@register_dataclass
@dataclass(frozen=True)
class Beta:
    """Independent numbers between 0 and 1; one event is the whole array.

    log p(x) = (α − 1) log x + (β − 1) log(1 − x) − log B(α, β). At 0 and at 1 it is zero or infinite. So that a black
    pixel has a finite likelihood, x is moved to at least 2⁻²⁴ from the ends, the spacing of float32 below 1.

    Args:
        alpha: α > 0, of the event's shape; large values draw x to 1.
        beta: β > 0, of the event's shape; large values draw x to 0.

    Example:
        >>> float(Beta(jnp.ones(1), jnp.full(1, 2.0)).log_prob(jnp.zeros(1)))  # density 2 (1 − x)
        0.69314...
    """

    alpha: Float[Array, "*event"]
    beta: Float[Array, "*event"]

    is_discrete = False
    is_reparametrised = True
    has_density = True
    support = UNIT_INTERVAL

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw; an (implicit) gradient flows to both parameters."""
        alpha, beta = at_least_float32(self.alpha, self.beta)
        shape = jnp.broadcast_shapes(alpha.shape, beta.shape)
        return jax.random.beta(key, alpha, beta, shape, alpha.dtype).astype(
            jnp.result_type(self.alpha, self.beta, float)
        )

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats; −∞ outside of [0, 1]."""
        value, alpha, beta = at_least_float32(value, self.alpha, self.beta)
        log_x = jnp.log(jnp.clip(value, _SMALLEST, 1 - _SMALLEST))
        log_rest = jnp.log1p(-jnp.clip(value, _SMALLEST, 1 - _SMALLEST))
        total = alpha + beta
        of_value = deviance_of_two(
            alpha, log_x + log_quotient(total, alpha, beta), beta, log_rest + log_quotient(total, beta, alpha)
        )
        of_gammas = stirling_error(alpha) + stirling_error(beta) - stirling_error(total)
        of_scale = 0.5 * (jnp.log(alpha) - jnp.log(total) + jnp.log(beta)) - HALF_LOG_TWO_PI
        log_density = of_scale - of_gammas - of_value - log_x - log_rest
        return jnp.where((value >= 0) & (value <= 1), log_density, -jnp.inf).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """α / (α + β)."""
        return self.alpha / (self.alpha + self.beta)
