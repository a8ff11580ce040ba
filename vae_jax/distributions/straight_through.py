"""Discrete samples with the gradient of their relaxation."""

from __future__ import annotations

from dataclasses import dataclass

import jax
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.binary_concrete import BinaryConcrete
from vae_jax.distributions.concrete import Concrete
from vae_jax.distributions.statements import has_density, is_reparametrised
from vae_jax.distributions.support import BINARY, ONE_HOT, Support
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class StraightThrough:
    """The discrete distribution that a relaxed one rounds to, its samples differentiated as if they were not rounded.

    All its values are those of `relaxed.discrete()`: samples, log-masses, mean, and KL divergences. Only the gradient
    through a sample is that of the relaxation, and therefore biased: the less, the lower the temperature, at the price
    of variance.

    Args:
        relaxed: A `Concrete` or a `BinaryConcrete`.

    Example:
        >>> import jax.numpy as jnp
        >>> float(StraightThrough(Concrete(jnp.zeros(4), 0.5)).sample(jax.random.key(0)).max())
        1.0

    Source: Jang, Gu & Poole 2017, arXiv:1611.01144, section 2.2.
    """

    relaxed: Concrete | BinaryConcrete

    @property
    def is_reparametrised(self) -> bool:
        """Whether the relaxation is reparametrised: its gradient is taken."""
        return is_reparametrised(self.relaxed)

    @property
    def has_density(self) -> bool:
        """Whether the relaxation has a density; the discrete distribution has masses."""
        return has_density(self.relaxed)

    @property
    def support(self) -> Support:
        """One-hot vectors, or zeros and ones."""
        return BINARY if isinstance(self.relaxed, BinaryConcrete) else ONE_HOT

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """The relaxed draw, rounded; a gradient flows as if it were not."""
        value = self.relaxed.sample(key)
        # In this order: value − value is zero exactly, so the sample is exactly discrete.
        return self.relaxed.nearest(value) + (value - jax.lax.stop_gradient(value))

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass of one event, in nats."""
        return self.relaxed.discrete().log_prob(value)

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-mass in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, "*event"]:
        """The probability of each category, or of a one."""
        return self.relaxed.discrete().mean()
