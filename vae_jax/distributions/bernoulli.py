"""The Bernoulli distribution, by its logits."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.distributions.support import UNIT_INTERVAL
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class Bernoulli:
    """Independent binary pixels; one event is the whole array.

    Args:
        logits: l = log p/(1 − p) of a one, of the event's shape.

    Example:
        >>> import jax.numpy as jnp
        >>> float(Bernoulli(jnp.zeros((2, 2))).log_prob(jnp.ones((2, 2))))  # −4 log 2
        -2.772588...
    """

    logits: float | Float[Array, "*event"]
    is_reparametrised = False
    has_density = True

    is_discrete = True
    support = UNIT_INTERVAL  # beyond zeros and ones, the cross-entropy of grey levels

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw of zeros and ones, as floats that a network takes; no gradient flows through it."""
        dtype = jnp.result_type(self.logits, float)
        # A uniform number in bfloat16 has 8 bits: every probability below 1/256 would be lost.
        logits = jnp.asarray(self.logits, jnp.promote_types(dtype, jnp.float32))
        return jax.random.bernoulli(key, jax.nn.sigmoid(logits)).astype(dtype)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats."""
        # In one row: XLA's CPU loops are fast along the last axis alone, and an image's is short.
        return formulas.bernoulli_log_prob(jnp.ravel(value), jnp.ravel(self.logits)).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The probability of a one."""
        return jax.nn.sigmoid(self.logits)
