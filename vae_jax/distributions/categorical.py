"""The categorical distribution, by its logits, over one-hot vectors."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.distributions.support import ONE_HOT
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class Categorical:
    """Independent choices of one category each, as one-hot vectors; one event is the whole array of them.

    Args:
        logits: log-probabilities of the categories along the last axis; any constant may be added. Zeros are the
            uniform distribution, and −∞ masks a category.

    Example:
        >>> import jax.numpy as jnp
        >>> float(Categorical(jnp.zeros((2, 4))).log_prob(jax.nn.one_hot(jnp.array([0, 3]), 4)))  # −2 log 4
        -2.772588...
    """

    logits: Float[Array, "*variables categories"]
    is_reparametrised = False
    has_density = True
    support = ONE_HOT

    def sample(self, key: Key) -> Float[Array, "*variables categories"]:
        """A draw of one-hot vectors, as floats that a network takes; no gradient flows through it."""
        (logits,) = at_least_float32(self.logits)
        return jax.nn.one_hot(
            jax.random.categorical(key, logits), logits.shape[-1], dtype=jnp.result_type(self.logits, float)
        )

    def log_prob(self, value: Float[Array, "*variables categories"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a masked category was chosen."""
        return formulas.categorical_log_prob(value, self.logits).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*variables categories"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*variables categories"]:
        """The probability of each category."""
        return jax.nn.softmax(self.logits)
