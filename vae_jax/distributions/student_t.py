"""Student's t distribution."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import log_quotient, quotient
from vae_jax.distributions.stirling import HALF_LOG_TWO_PI, stirling_error
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class StudentT:
    """Independent t distributions, whose tails forgive an outlier; one event is the whole array.

    p(x) = Γ((ν + 1)/2) / (Γ(ν/2) √(νπ) σ) · (1 + ((x − μ)/σ)²/ν)^(−(ν + 1)/2); the normal distribution for ν → ∞.

    Args:
        degrees_of_freedom: ν > 0, of the event's shape or one that broadcasts to it.
        loc: The centre μ, likewise.
        scale: σ > 0, likewise; the standard deviation is σ √(ν/(ν − 2)) for ν > 2, and infinite below.

    Example:
        >>> float(StudentT(1.0, 0.0, 1.0).log_prob(jnp.zeros(())))  # Cauchy: −log π
        -1.1447...
    """

    degrees_of_freedom: float | Float[Array, "*#event"]
    loc: float | Float[Array, "*#event"]
    scale: float | Float[Array, "*#event"]

    is_discrete = False
    is_reparametrised = True
    has_density = True

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """μ + σ ε √(ν/2 / g), ε standard normal and g from a Γ(ν/2) distribution; a gradient flows to μ, σ and ν."""
        df, loc, scale = at_least_float32(self.degrees_of_freedom, self.loc, self.scale)
        noise = jax.random.t(key, df, self._shape(), loc.dtype)
        return (loc + scale * noise).astype(jnp.result_type(self.degrees_of_freedom, self.loc, self.scale, float))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats."""
        value, df, loc, scale = at_least_float32(value, self.degrees_of_freedom, self.loc, self.scale)
        half = df / 2
        # log Γ(h + ½) − log Γ(h) − ½ log h, which vanishes for large h as the terms alone do not.
        of_gammas = half * log_quotient(half + 0.5, half, 0.5) - 0.5 + stirling_error(half + 0.5) - stirling_error(half)
        distance = quotient(quotient(value - loc, scale), jnp.sqrt(df))
        # log (1 + d²), of which the square may overflow.
        is_far = jnp.abs(distance) > 1e8
        near, far = jnp.where(is_far, 0.0, distance), jnp.where(is_far, distance, 1.0)
        of_value = (2 * half + 1) * jnp.where(is_far, jnp.log(jnp.abs(far)), 0.5 * jnp.log1p(jnp.square(near)))
        return jnp.broadcast_to(of_gammas - HALF_LOG_TWO_PI - jnp.log(scale) - of_value, self._shape()).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """μ, of the event's shape: the expectation for ν > 1, and the median for any ν."""
        return jnp.broadcast_to(self.loc, self._shape())

    def _shape(self) -> tuple[int, ...]:
        return jnp.broadcast_shapes(*map(jnp.shape, (self.degrees_of_freedom, self.loc, self.scale)))
