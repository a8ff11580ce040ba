"""A free choice among the levels of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.categorical_codes import CategoricalCodes
from vae_jax.distributions.levels import level_of, value_of
from vae_jax.distributions.support import Support, levels
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class CategoricalPixels:
    """Independent pixels x = k/(K − 1) in [0, 1], with a probability of its own for each level k.

    With equal logits and K = 256 it costs 8 bits for each pixel, whatever the image, which every likelihood of bytes
    has to beat. One event is the whole array.

    Args:
        logits: (*event, K), up to a constant the log-probabilities of the levels.

    Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, arXiv:1601.06759, section 2.2.

    Example:
        >>> import jax.numpy as jnp
        >>> bits = CategoricalPixels(jnp.zeros((2, 256))).log_prob(jnp.array([0.0, 1.0])) / jnp.log(2.0)
        >>> round(float(bits), 4)
        -16.0
    """

    logits: Float[Array, "*event levels"]

    is_discrete = True
    is_reparametrised = False
    has_density = True

    @property
    def support(self) -> Support:
        """The levels that there are."""
        return levels(self._num_levels())

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw, each pixel on a level, as floats of at least 32 bits."""
        return value_of(CategoricalCodes(self.logits).sample(key), self._num_levels())

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is beyond the levels, as unscaled bytes are."""
        (value,) = at_least_float32(value)
        return CategoricalCodes(self.logits).log_prob(level_of(value, self._num_levels()))

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The expectation, in [0, 1]."""
        return value_of(CategoricalCodes(self.logits).mean(), self._num_levels())

    def _num_levels(self) -> int:
        return self.logits.shape[-1]
