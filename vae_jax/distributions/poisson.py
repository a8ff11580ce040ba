"""The Poisson distribution, by its log-rate."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.stirling import HALF_LOG_TWO_PI, deviance, stirling_error
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class Poisson:
    """Independent counts; one event is the whole array.

    log p(x) = x log λ − λ − log x!

    Args:
        log_rate: log λ, of the event's shape; below 88, where λ overflows float32.

    Example:
        >>> float(Poisson(jnp.zeros(3)).log_prob(jnp.array([0.0, 1.0, 1.0])))  # −1 each
        -3.0
    """

    log_rate: Float[Array, "*event"]

    is_discrete = True
    is_reparametrised = False
    has_density = True

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw of counts, as floats of at least 32 bits: bfloat16 cannot hold 257."""
        (log_rate,) = at_least_float32(self.log_rate)
        return jax.random.poisson(key, jnp.exp(log_rate)).astype(log_rate.dtype)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is no count."""
        value, log_rate = at_least_float32(value, self.log_rate)
        some = jnp.where(value > 0, value, 1.0)
        of_some = -deviance(some, log_rate - jnp.log(some)) - stirling_error(some) - 0.5 * jnp.log(some)
        log_mass = jnp.where(value > 0, of_some - HALF_LOG_TWO_PI, -jnp.exp(log_rate))
        return jnp.where(is_count(value), log_mass, -jnp.inf).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """λ."""
        return jnp.exp(self.log_rate)


def is_count(value: Float[Array, "*shape"]) -> Array:
    """Whether a value is 0, 1, 2, ..."""
    return (value >= 0) & (value == jnp.floor(value))
