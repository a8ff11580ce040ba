"""Several independent distributions of one family, along a leading axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
from jaxtyping import Scalar

from vae_jax.distributions.centre import centre
from vae_jax.distributions.statements import has_density, is_reparametrised
from vae_jax.distributions.support import support_of
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class Stacked:
    """Independent distributions of one family; an event has those of all of them along a leading axis.

    Args:
        parts: A distribution whose every array has a leading axis, as `jax.vmap` or `jax.lax.scan` makes it.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import SphericalUniform, VonMisesFisher
        >>> two = Stacked(VonMisesFisher(jnp.eye(3)[:2], jnp.ones(2)))
        >>> two.sample(jax.random.key(0)).shape
        (2, 3)
    """

    parts: Any

    @property
    def num(self) -> int:
        """The number of distributions."""
        return len(jax.tree.leaves(self.parts)[0])

    @property
    def is_reparametrised(self) -> bool:
        """Whether the family is reparametrised."""
        return is_reparametrised(self.parts)

    @property
    def has_density(self) -> bool:
        """Whether the family has a density."""
        return has_density(self.parts)

    @property
    def support(self) -> Any:
        """The family's support."""
        return support_of(self.parts)

    def sample(self, key: Key) -> Any:
        """A draw of each, with a key of its own."""
        return jax.vmap(lambda part, key: part.sample(key))(self.parts, jax.random.split(key, self.num))

    def log_prob(self, value: Any) -> Scalar:
        """The sum of their log-probabilities, in nats."""
        return jax.vmap(lambda part, value: part.log_prob(value))(self.parts, value).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Any, Scalar]:
        """A draw and its log-probability in nats."""
        each = jax.vmap(lambda part, key: part.sample_and_log_prob(key))
        value, log_prob = each(self.parts, jax.random.split(key, self.num))
        return value, log_prob.sum()

    def mean(self) -> Any:
        """Their means."""
        return jax.vmap(lambda part: part.mean())(self.parts)

    def centre(self) -> Any:
        """Their centres."""
        return jax.vmap(centre)(self.parts)
