"""A distribution of something that may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Scalar

from vae_jax.distributions.centre import centre
from vae_jax.distributions.statements import has_density, is_reparametrised
from vae_jax.distributions.support import support_of
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key


@register_dataclass
@dataclass(frozen=True)
class Observed:
    """A distribution whose events count where they are observed: log p of an event that is missing is 0.

    It integrates out what is missing, where parts are independent of each other given z.

    Args:
        distribution: The distribution.
        is_present: Whether the event is observed. A missing one is read as zeros, whatever stands in its place.

    Example:
        >>> from vae_jax.distributions import standard_normal
        >>> missing = Observed(standard_normal(2), jnp.array(False))
        >>> float(missing.log_prob(jnp.full(2, jnp.nan)))
        0.0
    """

    distribution: Distribution
    is_present: Bool[Array, ""]

    @property
    def is_discrete(self) -> Any:
        """Whether the distribution has masses."""
        return getattr(self.distribution, "is_discrete", False)

    @property
    def is_reparametrised(self) -> bool:
        """Whether the distribution is reparametrised."""
        return is_reparametrised(self.distribution)

    @property
    def has_density(self) -> bool:
        """Whether the distribution has a density."""
        return has_density(self.distribution)

    @property
    def support(self) -> Any:
        """The support of the distribution, which a missing event has to keep, too."""
        return support_of(self.distribution)

    def sample(self, key: Key) -> Any:
        """A draw, whether an event is observed or not."""
        return self.distribution.sample(key)

    def log_prob(self, value: Any) -> Scalar:
        """The log-probability of an observed event, in nats; 0 of a missing one."""
        value = jax.tree.map(lambda leaf: jnp.where(self.is_present, leaf, jnp.zeros_like(leaf)), value)
        return jnp.where(self.is_present, self.distribution.log_prob(value), 0.0)

    def sample_and_log_prob(self, key: Key) -> tuple[Any, Scalar]:
        """A draw and its log-probability in nats, 0 where the event is missing."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Any:
        """The distribution's mean."""
        return self.distribution.mean()

    def centre(self) -> Any:
        """The distribution's centre."""
        return centre(self.distribution)
