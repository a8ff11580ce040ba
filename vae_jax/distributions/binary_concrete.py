"""The binary Concrete distribution: a Bernoulli variable made continuous, so that gradients flow."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.simplex import smallest_entry
from vae_jax.distributions.support import UNIT_INTERVAL
from vae_jax.precision import at_least_float32, constants
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key

# The logistic density on a grid, for the mean.
_LOGISTIC = np.linspace(-20.0, 20.0, 81)
_LOGISTIC_WEIGHTS = np.exp(-_LOGISTIC) / (1 + np.exp(-_LOGISTIC)) ** 2
_LOGISTIC_WEIGHTS = _LOGISTIC_WEIGHTS / _LOGISTIC_WEIGHTS.sum()


@register_dataclass
@dataclass(frozen=True)
class BinaryConcrete:
    """Independent numbers x = s((l + L) / τ) in (0, 1), L standard logistic and s the logistic function.

    As τ falls to zero, x becomes a one with probability s(l), else a zero. At any τ it rounds to such a draw.

    float32 keeps 1 − x only down to 6e-8, and clips it there, which is not rare for a confident l. In an ELBO that
    must hold to the last digit, use `LogitBinaryConcrete`, whose event is the logit of x.

    Args:
        logits: l, of the event's shape.
        temperature: τ > 0, a number.

    Example:
        >>> import jax.numpy as jnp
        >>> abs(float(BinaryConcrete(jnp.zeros(3), 1.0).log_prob(jnp.full(3, 0.2)))) < 1e-6  # uniform
        True

    Source: Maddison, Mnih & Teh 2017, arXiv:1611.00712, appendix B.
    """

    logits: Float[Array, "*event"]
    temperature: float | Scalar
    is_reparametrised = True
    has_density = True
    support = UNIT_INTERVAL

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """s((l + L) / τ), so a gradient flows to both parameters."""
        dtype = jnp.result_type(self.logits, self.temperature, float)
        value = jax.nn.sigmoid(LogitBinaryConcrete(*at_least_float32(self.logits, self.temperature)).sample(key))
        return _inside(value.astype(dtype))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats."""
        value = _inside(*at_least_float32(value))
        log, log_of_rest = jnp.log(value), jnp.log1p(-value)
        return (
            LogitBinaryConcrete(self.logits, self.temperature).log_prob(log - log_of_rest) - (log + log_of_rest).sum()
        )

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """E x, by quadrature; s(l) as τ falls to zero."""
        dtype = jnp.result_type(self.logits, self.temperature, float)
        logits, temperature = at_least_float32(self.logits, self.temperature)
        # s(y) is the probability that another logistic L' is below y, and L' < (l + L) / τ means that −L < l − τ L'.
        places, weights = constants(logits, _LOGISTIC, _LOGISTIC_WEIGHTS)
        smooth = jax.nn.sigmoid(logits[..., None] - temperature * places)
        return (smooth * weights).sum(axis=-1).astype(dtype)

    def discrete(self) -> Bernoulli:
        """The Bernoulli distribution that this one relaxes."""
        return Bernoulli(self.logits)

    @staticmethod
    def nearest(value: Float[Array, "*event"]) -> Float[Array, "*event"]:
        """The nearest of zero and one for each entry."""
        return jnp.asarray(value > 0.5, value.dtype)


@register_dataclass
@dataclass(frozen=True)
class LogitBinaryConcrete:
    """The logit of x ~ `BinaryConcrete`: exact in floating point; give the logistic function of it to the decoder.

    It is the logistic distribution of mean l / τ and scale 1 / τ. A divergence between two of these is that
    between the binary Concrete distributions.

    Args:
        logits: l, of the event's shape.
        temperature: τ > 0, a number.

    Source: Maddison, Mnih & Teh 2017, arXiv:1611.00712, appendix C.
    """

    logits: Float[Array, "*event"]
    temperature: float | Scalar
    is_reparametrised = True
    has_density = True

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """(l + L) / τ, so a gradient flows to both parameters."""
        dtype = jnp.result_type(self.logits, self.temperature, float)
        logits, temperature = at_least_float32(self.logits, self.temperature)
        return ((logits + jax.random.logistic(key, logits.shape, logits.dtype)) / temperature).astype(dtype)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats."""
        value, logits, temperature = at_least_float32(value, self.logits, self.temperature)
        distance = jnp.abs(logits - temperature * value)  # the logistic density is symmetric
        return (jnp.log(temperature) - distance - 2 * jnp.log1p(jnp.exp(-distance))).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """l / τ."""
        return self.logits / self.temperature


def _inside(value: Float[Array, "*event"]) -> Float[Array, "*event"]:
    return jnp.clip(value, smallest_entry(value), 1 - jnp.finfo(value.dtype).epsneg)
