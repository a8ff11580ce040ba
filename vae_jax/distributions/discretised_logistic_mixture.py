"""Mixtures of discretised logistic distributions, for grey pixels and for colours."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import log_sum_exp
from vae_jax.distributions.discretised_logistic import log_mass, mean_of_rounded, rounded_logistic
from vae_jax.distributions.levels import NUM_LEVELS
from vae_jax.distributions.support import Support, levels
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key

COEFFICIENTS = ((1, 0), (2, 0), (2, 1))
"""For each coefficient, its channel and the channel before that it multiplies: green, red; blue, red; blue, green."""


@register_dataclass
@dataclass(frozen=True)
class DiscretisedLogisticMixture:
    """Independent pixels, each a mixture of M discretised logistic variables; one event is the whole image.

    Grey, or each channel for itself: P(x) = Σₘ πₘ P(x; μₘ, σₘ) for every entry of the image. In colour, the three
    channels of a pixel share the component, and with c = x − ½ the centres follow the channels before:
    green's is μ + α c(red), blue's is μ + β c(red) + γ c(green).

    Args:
        logits: Logits of the weights π, (*event, M); (*pixels, M) in colour.
        loc: The centres μ in units of x in [0, 1], (*event, M).
        scale: The scales σ > 0, in the units and the shape of `loc`.
        coefficients: α, β and γ of each pixel, (*pixels, 3, M), for events (*pixels, 3) in colour; None
            for entries that do not depend on each other.
        num_levels: K ≥ 2; 256 for bytes.

    Source: Salimans, Karpathy, Chen & Kingma 2017, arXiv:1701.05517, equations 1 to 3. With their x in [−1, 1], centres
    and scales are twice these, shifted, and the coefficients are the same.
    Differs from the paper: samples are rounded to levels before the next channel is drawn, as in the likelihood.
    """

    logits: Float[Array, "*pixels components"]
    loc: Float[Array, "*event components"]
    scale: Float[Array, "*event components"]
    coefficients: Float[Array, "*pixels 3 components"] | None = None
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
        component_key, value_key = jax.random.split(key)
        logits, loc, scale = at_least_float32(self.logits, self.loc, self.scale)
        component = jax.random.categorical(component_key, logits)[..., None]
        if self.coefficients is None:
            loc, scale = (jnp.take_along_axis(array, component, axis=-1)[..., 0] for array in (loc, scale))
            return rounded_logistic(value_key, loc, scale, self.num_levels)
        loc, scale, coefficients = (
            jnp.take_along_axis(array, component[..., None], axis=-1)
            for array in (loc, scale, jnp.asarray(self.coefficients, loc.dtype))
        )
        value = jnp.zeros_like(loc)
        for channel, channel_key in enumerate(jax.random.split(value_key, 3)):
            centre = _follow(loc, coefficients, value)[..., channel, :]
            drawn = rounded_logistic(channel_key, centre, scale[..., channel, :], self.num_levels)
            value = value.at[..., channel, :].set(drawn)
        return value[..., 0]

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats; −∞ where a value is beyond the levels."""
        value, logits, loc, scale = at_least_float32(value, self.logits, self.loc, self.scale)
        value = value[..., None]
        if self.coefficients is None:
            of_component = log_mass(value, loc, scale, self.num_levels)
        else:
            centre = _follow(loc, jnp.asarray(self.coefficients, loc.dtype), value)
            of_component = log_mass(value, centre, scale, self.num_levels).sum(axis=-2)
        return log_sum_exp(jax.nn.log_softmax(logits) + of_component, axis=-1).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The expectation; in colour, that of each channel where the channels before have their mean.

        In colour this is the expectation itself but for what the first and last level cut off: the mean of green
        over all levels of red is out of reach for a closed form, and blue's would be a sum over 65,536 pairs.
        """
        logits, loc, scale = at_least_float32(self.logits, self.loc, self.scale)
        weights = jax.nn.softmax(logits)
        if self.coefficients is None:
            mean = (weights * mean_of_rounded(loc, scale, self.num_levels)).sum(axis=-1)
        else:
            coefficients, of_component = jnp.asarray(self.coefficients, loc.dtype), jnp.zeros_like(loc)
            for channel in range(3):
                centre = _follow(loc, coefficients, of_component)[..., channel, :]
                mean = mean_of_rounded(centre, scale[..., channel, :], self.num_levels)
                of_component = of_component.at[..., channel, :].set(mean)
            mean = (weights[..., None, :] * of_component).sum(axis=-1)
        return mean.astype(jnp.result_type(self.loc, self.scale, float))


def _follow(
    loc: Float[Array, "*pixels 3 components"],
    coefficients: Float[Array, "*pixels 3 components"],
    value: Float[Array, "*pixels 3 #components"],
) -> Float[Array, "*pixels 3 components"]:
    """The centre of each channel, given the channels before it."""
    for index, (channel, earlier) in enumerate(COEFFICIENTS):
        loc = loc.at[..., channel, :].add(coefficients[..., index, :] * (value[..., earlier, :] - 0.5))
    return loc
