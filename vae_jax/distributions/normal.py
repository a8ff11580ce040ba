"""The normal distribution with a diagonal scale."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class Normal:
    """Independent normal distributions; one event is the whole array.

    Args:
        loc: The mean μ, of the event's shape or one that broadcasts to it.
        scale: The standard deviation σ > 0, likewise: a scalar for the same noise everywhere.

    Example:
        >>> import jax.numpy as jnp
        >>> float(Normal(jnp.zeros(2), jnp.ones(2)).log_prob(jnp.zeros(2)))  # −log 2π
        -1.837877...
    """

    loc: float | Float[Array, "*#event"]
    scale: float | Float[Array, "*#event"]

    is_discrete = False
    is_reparametrised = True
    has_density = True

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """μ + σ ε with ε standard normal: the reparametrisation trick, so a gradient flows to μ and σ.

        Source: Kingma & Welling 2014, arXiv:1312.6114, section 2.4.
        """
        shape = jnp.broadcast_shapes(jnp.shape(self.loc), jnp.shape(self.scale))
        dtype = jnp.result_type(self.loc, self.scale, float)
        # Noise drawn in bfloat16 would never exceed 2.6 standard deviations: only the result is rounded.
        noise = jax.random.normal(key, shape, jnp.promote_types(dtype, jnp.float32))
        return (self.loc + self.scale * noise).astype(dtype)

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats."""
        return formulas.gaussian_log_prob(value, self.loc, self.scale).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """μ, of the event's shape."""
        return jnp.broadcast_to(self.loc, jnp.broadcast_shapes(jnp.shape(self.loc), jnp.shape(self.scale)))


def standard_normal(size: int) -> Normal:
    """The usual prior: N(0, I) over `size` dimensions.

    Example:
        >>> standard_normal(3).mean().shape
        (3,)
    """
    return Normal(jnp.zeros(size), jnp.ones(size))
