"""All probability in one point: the posterior of an ordinary autoencoder, and what other certain families share."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


class Certain:
    """The behaviour of every family that is certain of one value, whatever else it holds.

    Attributes:
        value: The certain value.
    """

    value: Float[Array, "*event"]

    is_reparametrised = True

    def sample(self, key: Key) -> Float[Array, "*event"]:
        """The value, whatever the key."""
        del key
        return self.value

    def log_prob(self, value: Float[Array, "*event"]) -> Scalar:
        """Log-mass in nats: 0 at the value and −∞ elsewhere."""
        return jnp.where(jnp.all(value == self.value), 0.0, -jnp.inf)

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, "*event"], Scalar]:
        """The value and its log-mass, 0."""
        return self.sample(key), jnp.zeros(())

    def mean(self) -> Float[Array, "*event"]:
        """The value."""
        return self.value


@register_dataclass
@dataclass(frozen=True)
class PointMass(Certain):
    """A distribution that is certain of one value; one event is the whole array.

    It has a mass and no density, so its KL to a continuous prior is infinite: `kl_divergence` and the estimators of
    the KL refuse it, and `objectives.autoencoder` trains a model with such a posterior.

    Args:
        value: The certain value.
    """

    value: Float[Array, "*event"]

    has_density = False
