"""The uniform distribution on the sphere."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.support import SPHERE
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class SphericalUniform:
    """A uniformly random direction: a unit vector of `size` entries; one event is the vector.

    Args:
        size: d ≥ 2; the sphere Sᵈ⁻¹ has d − 1 dimensions.

    Example:
        >>> import jax.numpy as jnp
        >>> float(SphericalUniform(2).log_prob(jnp.array([1.0, 0.0])))  # −log 2π
        -1.837877...
    """

    size: int = field(metadata={"static": True})
    is_reparametrised = True
    has_density = True
    support = SPHERE
    is_on_sphere = True

    def sample(self, key: Key) -> Float[Array, " size"]:
        """A normal vector, divided by its length."""
        return random_direction(key, self.size)

    def log_prob(self, value: Float[Array, " size"]) -> Scalar:
        """Log-density of one event, in nats, with respect to the area of the sphere: the same everywhere."""
        del value
        return -jnp.asarray(log_sphere_area(self.size), float)

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " size"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, " size"]:
        """Zero, the centre."""
        return jnp.zeros(self.size)


def random_direction(key: Key, size: int) -> Float[Array, " size"]:
    """A uniformly random unit vector of `size` ≥ 1 entries."""
    noise = jax.random.normal(key, (size,))
    return noise / jnp.linalg.norm(noise)


def log_sphere_area(size: int) -> float:
    """log 2 π^{d/2} / Γ(d/2): the logarithm of the area of the unit sphere in d = `size` dimensions.

    Example:
        >>> math.exp(log_sphere_area(3))  # 4π
        12.566370...
    """
    return math.log(2) + size / 2 * math.log(math.pi) - math.lgamma(size / 2)
