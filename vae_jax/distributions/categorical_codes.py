"""Categories by their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.support import Support, codes
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class CategoricalCodes:
    """Independent categories, each a code 0, 1, ..., K − 1 as a table stores it; one event is the whole array.

    Args:
        logits: (*event, K), up to a constant the log-probabilities of the codes.

    Example:
        >>> float(CategoricalCodes(jnp.zeros((2, 4))).log_prob(jnp.array([0.0, 3.0])))  # −2 log 4
        -2.772588...
    """

    logits: Float[Array, "*event codes"]

    is_discrete = True
    is_reparametrised = False
    has_density = True

    @property
    def support(self) -> Support:
        """The codes that there are."""
        return codes(self.logits.shape[-1])

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw of codes, as floats of at least 32 bits."""
        (logits,) = at_least_float32(self.logits)
        return jax.random.categorical(key, logits).astype(logits.dtype)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is no code."""
        value, logits = at_least_float32(value, self.logits)
        is_code = self.support.contains(value)
        code = jnp.where(is_code, value, 0).astype(jnp.int32)[..., None]
        log_mass = jnp.take_along_axis(jax.nn.log_softmax(logits), code, axis=-1)[..., 0]
        return jnp.where(is_code, log_mass, -jnp.inf).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The expected code, which says little where the categories have no order."""
        (logits,) = at_least_float32(self.logits)
        codes = jnp.broadcast_to(jnp.arange(logits.shape[-1], dtype=logits.dtype), logits.shape)
        return (jax.nn.softmax(logits) * codes).sum(axis=-1).astype(jnp.result_type(self.logits, float))
