"""A distribution made from another one by a bijection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions import has_density, is_reparametrised
from vae_jax.flows.bijection import Bijection
from vae_jax.pytree import register_dataclass
from vae_jax.types import Distribution, Key


@register_dataclass
@dataclass(frozen=True)
class Transformed:
    """The distribution of f(u) where u follows another one: log p(f(u)) = log p(u) − log |det ∂f/∂u|.

    Args:
        base: The distribution of u.
        bijection: f, a map of events of the base's shape.

    Example:
        >>> from vae_jax.distributions import standard_normal
        >>> from vae_jax.flows import Affine
        >>> normal = Transformed(standard_normal(1), Affine(jnp.full(1, 5.0), jnp.log(jnp.full(1, 2.0))))
        >>> float(normal.log_prob(jnp.full(1, 5.0)))  # that of N(5, 2²): −½ log 2π − log 2
        -1.612085...

    Source: Rezende & Mohamed 2015, arXiv:1505.05770, equation 5.
    """

    base: Distribution
    bijection: Bijection

    @property
    def is_reparametrised(self) -> bool:
        """Whether a gradient flows through a draw, which it does where the base is reparametrised."""
        return is_reparametrised(self.base)

    @property
    def has_density(self) -> bool:
        """Whether the base has a density."""
        return has_density(self.base)

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """f of a draw of the base."""
        value, _ = self.sample_and_log_prob(key)
        return value

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-density of one event, in nats, through the inverse of f.

        Raises:
            TypeError: If f has no inverse in closed form: planar, Sylvester and inverse autoregressive flows, whose
                density is known at their own draws only.
        """
        noise, log_det = _in_float32(self.bijection).inverse_and_log_det(_in_float32(value))
        return self.base.log_prob(noise) + log_det

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """A draw and its log-density in nats, computed forwards only: also where f has no inverse in closed form."""
        noise, log_prob = self.base.sample_and_log_prob(key)
        value, log_det = _in_float32(self.bijection).forward_and_log_det(_in_float32(noise))
        return value.astype(noise.dtype), log_prob - log_det

    def mean(self) -> Float[Array, "*event"]:
        """f of the base's mean, of the event's shape: the code of an example.

        Differs from the other distributions: it is the expectation only where f is affine; in general that has no
        closed form.
        """
        mean = self.base.mean()
        value, _ = _in_float32(self.bijection).forward_and_log_det(_in_float32(mean))
        return value.astype(mean.dtype)


def _in_float32(tree: Any) -> Any:
    """Arrays in float32 or wider: a map, its inverse and its determinant agree to the digits that they hold."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.promote_types(jnp.result_type(leaf), jnp.float32)), tree)
