"""The logistic distribution, rounded to the levels of a pixel."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import quotient
from vae_jax.distributions.levels import NUM_LEVELS, is_level, level_of, value_of
from vae_jax.distributions.support import Support, levels
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class DiscretisedLogistic:
    """Independent pixels x = k/(K − 1) in [0, 1], each a logistic variable rounded to the nearest of its K levels.

    P(x) = s((x + w/2 − μ)/σ) − s((x − w/2 − μ)/σ) with w = 1/(K − 1) and s the logistic function. The first level
    takes all that is below it and the last all above, so the masses sum to one. One event is the whole array.

    Args:
        loc: The centre μ, in units of x, of the event's shape or one that broadcasts to it; it may lie outside [0, 1].
        scale: σ > 0, in units of x, likewise.
        num_levels: K ≥ 2; 256 for bytes.

    Source: Kingma et al. 2016, arXiv:1606.04934, appendix; Salimans et al. 2017, arXiv:1701.05517, equation 2.
    Differs from the paper: Salimans et al. scale x to [−1, 1], so their σ is twice this one; they take the density at
    the level where its mass is below 10⁻⁵, and here the mass has all its digits everywhere.

    Example:
        >>> fair = DiscretisedLogistic(jnp.array([0.5]), jnp.array([0.1]), num_levels=2)
        >>> float(fair.log_prob(jnp.ones(1)))  # −log 2
        -0.693147...
    """

    loc: float | Float[Array, "*#event"]
    scale: float | Float[Array, "*#event"]
    num_levels: int = field(default=NUM_LEVELS, metadata={"static": True})

    is_discrete = True
    is_reparametrised = False
    has_density = True

    @property
    def support(self) -> Support:
        """The levels that there are."""
        return levels(self.num_levels)

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """A draw, each pixel on a level, as floats of at least 32 bits."""
        loc, scale = jnp.broadcast_arrays(*at_least_float32(self.loc, self.scale))
        return rounded_logistic(key, loc, scale, self.num_levels)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is beyond the levels, as unscaled bytes are."""
        value, loc, scale = at_least_float32(value, self.loc, self.scale)
        return log_mass(value, loc, scale, self.num_levels).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The expectation: μ, but for what the first and the last level cut off."""
        loc, scale = at_least_float32(self.loc, self.scale)
        return mean_of_rounded(loc, scale, self.num_levels).astype(jnp.result_type(self.loc, self.scale, float))


def log_mass(
    value: Float[Array, "*#shape"], loc: Float[Array, "*#shape"], scale: Float[Array, "*#shape"], num_levels: int
) -> Float[Array, "*shape"]:
    """Log-mass of a rounded logistic variable, element by element, in nats."""
    level, last = level_of(value, num_levels), num_levels - 1
    # In units of levels the edges k ± ½ are exact, and the upper edge of one level is the lower one of the next.
    loc, scale = loc * last, scale * last
    above, below = quotient(level + 0.5 - loc, scale), quotient(level - 0.5 - loc, scale)
    # s(b) − s(a) = s(b) s(−a) (1 − exp(a − b)): a product, which loses no digits however far away the mean is.
    log_below_upper_edge = jnp.where(level >= last, 0.0, jax.nn.log_sigmoid(above))
    log_above_lower_edge = jnp.where(level <= 0, 0.0, jax.nn.log_sigmoid(-below))
    of_width = jnp.where((level <= 0) | (level >= last), 0.0, jnp.log(-jnp.expm1(quotient(-1.0, scale))))
    return jnp.where(is_level(level, num_levels), log_below_upper_edge + log_above_lower_edge + of_width, -jnp.inf)


def rounded_logistic(
    key: Key, loc: Float[Array, "*shape"], scale: Float[Array, "*#shape"], num_levels: int
) -> Float[Array, "*shape"]:
    """A draw of a rounded logistic variable, element by element."""
    level = level_of(loc + scale * jax.random.logistic(key, loc.shape, loc.dtype), num_levels)
    return value_of(jnp.clip(level, 0, num_levels - 1), num_levels)


def mean_of_rounded(
    loc: Float[Array, "*#shape"], scale: Float[Array, "*#shape"], num_levels: int
) -> Float[Array, "*shape"]:
    """The expectation of a rounded logistic variable, element by element: the sum of P(level > k) over k."""
    edges = value_of(jnp.arange(num_levels - 1) + 0.5, num_levels)
    loc, scale = loc[..., None], scale[..., None]
    return value_of(jax.nn.sigmoid((loc - edges) / scale).sum(axis=-1), num_levels)
