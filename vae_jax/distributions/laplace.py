"""The Laplace distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import quotient
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class Laplace:
    """Independent Laplace distributions; one event is the whole array.

    log p(x) = −|x − μ|/b − log 2b: an absolute error where a normal distribution has a squared one.

    Args:
        loc: The mean μ, of the event's shape or one that broadcasts to it.
        scale: b > 0, likewise; the standard deviation is √2 b.

    Example:
        >>> float(Laplace(jnp.zeros(2), jnp.ones(2)).log_prob(jnp.zeros(2)))  # −2 log 2
        -1.386294...
    """

    loc: float | Float[Array, "*#event"]
    scale: float | Float[Array, "*#event"]

    is_discrete = False
    is_reparametrised = True
    has_density = True

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """μ + b ε with ε standard Laplace; a gradient flows to μ and b."""
        loc, scale = at_least_float32(self.loc, self.scale)
        noise = jax.random.laplace(key, jnp.broadcast_shapes(loc.shape, scale.shape), loc.dtype)
        return (loc + scale * noise).astype(jnp.result_type(self.loc, self.scale, float))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats."""
        value, loc, scale = at_least_float32(value, self.loc, self.scale)
        return (-jnp.abs(quotient(value - loc, scale)) - jnp.log(scale) - math.log(2)).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """μ, of the event's shape."""
        return jnp.broadcast_to(self.loc, jnp.broadcast_shapes(jnp.shape(self.loc), jnp.shape(self.scale)))
