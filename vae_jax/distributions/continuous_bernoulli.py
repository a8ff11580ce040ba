"""The continuous Bernoulli distribution, by its logits."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.support import UNIT_INTERVAL
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class ContinuousBernoulli:
    """Independent grey levels in [0, 1], with the density that a Bernoulli likelihood of grey levels lacks.

    log p(x) = x l − log ((eˡ − 1)/l): minus the Bernoulli cross-entropy, plus the logarithm of a normalising constant.
    One event is the whole array.

    Args:
        logits: l, of the event's shape; 0 is the uniform distribution.

    Source: Loaiza-Ganem & Cunningham 2019, arXiv:1907.06845 (there by λ = logistic(l)).

    Example:
        >>> float(ContinuousBernoulli(jnp.zeros(2)).log_prob(jnp.array([0.2, 0.9])))
        0.0
    """

    logits: Float[Array, "*event"]

    is_discrete = False
    is_reparametrised = True
    has_density = True
    support = UNIT_INTERVAL

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """The inverse of the distribution function at a uniform number; a gradient flows to the logits."""
        logits = _finite(self.logits)
        # The density falls towards 1 for l < 0; for l > 0 the draw is mirrored, so that e^−|l| never overflows.
        size = jnp.abs(logits)
        falling = _inverse_of_falling(jax.random.uniform(key, logits.shape, logits.dtype), size)
        return jnp.where(logits > 0, 1 - falling, falling).astype(jnp.result_type(self.logits, float))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats; −∞ outside of [0, 1]."""
        value, logits = at_least_float32(value, _finite(self.logits))
        is_inside = (value >= 0) & (value <= 1)
        return jnp.where(is_inside, _log_density(value, logits), -jnp.inf).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """1/(1 − e⁻ˡ) − 1/l: not the logistic function of l."""
        logits = _finite(self.logits)
        # In an exponential family the mean is the gradient of the log-partition function.
        mean = jax.grad(lambda logits: -_log_density(jnp.zeros(()), logits).sum())(logits)
        return mean.astype(jnp.result_type(self.logits, float))


def _finite(logits: Array) -> Array:
    """Logits with ±∞ replaced by the largest number: a pixel that is certain has no density."""
    (logits,) = at_least_float32(logits)
    largest = jnp.finfo(logits.dtype).max
    return jnp.clip(logits, -largest, largest)


def _log_density(value: Array, logits: Array) -> Array:
    """x l − log ((eˡ − 1)/l), element by element."""
    is_small = jnp.abs(logits) < 1
    # log ((eˡ − 1)/l) = l/2 + log (sinh h / h) with h = l/2: even in h, and a series where 0/0 would be.
    square = jnp.square(jnp.where(is_small, logits, 0.0) / 2)
    log_ratio = square * (1 / 6 - square * (1 / 180 - square * (1 / 2835 - square * (1 / 37800 - square / 467775))))
    near = (value - 0.5) * logits - log_ratio
    # The large terms x l and max(l, 0) cancel exactly for a confident and right pixel.
    away = jnp.where(is_small, 1.0, logits)
    size = jnp.abs(away)
    far = value * away - jnp.maximum(away, 0) + jnp.log(size) - jnp.log(-jnp.expm1(-size))
    return jnp.where(is_small, near, far)


def _inverse_of_falling(u: Array, size: Array) -> Array:
    """y with distribution function u where the density falls as e^(−a y) on [0, 1], a ≥ 0."""
    is_small = size < 0.1
    away = jnp.where(is_small, 1.0, size)
    far = -jnp.log1p(u * jnp.expm1(-away)) / away
    # The cumulants of a Bernoulli variable of probability u, since y = −log E[e^(−a B)]/a.
    small, variance = jnp.where(is_small, size, 0.0), u * (1 - u)
    third, fourth = variance * (1 - 2 * u), variance * (1 - 6 * variance)
    near = u - small / 2 * (variance - small / 3 * (third - small / 4 * fourth))
    return jnp.where(is_small, near, far)
