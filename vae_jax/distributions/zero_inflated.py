"""Counts with more zeros than their distribution would have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import log_sum_exp
from vae_jax.distributions.support import Support, support_of
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class ZeroInflated:
    """Independent counts, each a zero with probability π and else a draw of the inner distribution.

    P(0) = π + (1 − π) p(0), and P(x) = (1 − π) p(x) for x > 0. One event is the whole array.

    Args:
        inner: The distribution p: `Poisson` or `NegativeBinomial`, or any family of independent counts whose parameters
            have the event's shape or broadcast to it.
        logits: log π/(1 − π), ±∞ where it is certain, of the event's shape or one that broadcasts to it.

    Example:
        >>> from vae_jax.distributions import Poisson
        >>> half = ZeroInflated(Poisson(jnp.full(1, -100.0)), jnp.zeros(1))  # a rate of zero: certainly 0
        >>> float(half.log_prob(jnp.zeros(1)))
        0.0
    """

    inner: Any
    logits: float | Float[Array, "*#event"]

    is_discrete = True
    is_reparametrised = False
    has_density = True

    @property
    def support(self) -> Support:
        """The counts of the inner distribution."""
        return support_of(self.inner)

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw of counts, as floats of at least 32 bits."""
        inner_key, zero_key = jax.random.split(key)
        (logits,) = at_least_float32(self.logits)
        value = jnp.broadcast_to(self.inner.sample(inner_key), self._shape())
        return jnp.where(jax.random.bernoulli(zero_key, jax.nn.sigmoid(logits), self._shape()), 0.0, value)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is no count."""
        value, logits = at_least_float32(value, self.logits)
        log_count = jax.nn.log_sigmoid(-logits) + self._inner_log_probs(value)
        log_zero = log_sum_exp(jnp.stack(jnp.broadcast_arrays(jax.nn.log_sigmoid(logits), log_count), axis=-1))
        return jnp.where(value == 0, log_zero, log_count).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """(1 − π) times the mean of the inner distribution."""
        return jax.nn.sigmoid(-jnp.asarray(self.logits)) * self.inner.mean()

    def _inner_log_probs(self, value: Array) -> Array:
        """Log-mass of each element: `log_prob` is of a whole event, so each element is made an event."""
        shape = self._shape()
        flat = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape).reshape(-1), (self.inner, value))
        return jax.vmap(lambda inner, element: inner.log_prob(element))(*flat).reshape(shape)

    def _shape(self) -> tuple[int, ...]:
        return jnp.broadcast_shapes(jnp.shape(self.inner.mean()), jnp.shape(self.logits))
