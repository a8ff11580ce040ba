"""The von Mises-Fisher distribution: a direction on the sphere."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.distributions.sphere_angle import sample_angle
from vae_jax.distributions.sphere_moments import sphere_moments
from vae_jax.distributions.spherical_uniform import log_sphere_area, random_direction
from vae_jax.distributions.support import SPHERE
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class VonMisesFisher:
    """Unit vectors around a direction, of density ∝ exp(κ μᵀx) on the sphere Sᵈ⁻¹; one event is the vector.

    Args:
        loc: μ, a unit vector of d ≥ 2 entries; its length is not checked.
        concentration: κ ≥ 0, a number: 0 is uniform, and the angles to μ are about √((d − 1) / κ) where κ is large.

    Example:
        >>> import jax.numpy as jnp
        >>> VonMisesFisher(jnp.array([1.0, 0.0, 0.0]), 2.0).mean().round(4).tolist()  # coth 2 − 1/2
        [0.5372..., 0.0, 0.0]

    Source: Davidson, Falorsi, De Cao, Kipf & Tomczak 2018, arXiv:1804.00891, section 3.
    """

    loc: Float[Array, " size"]
    concentration: float | Scalar
    is_reparametrised = True
    has_density = True
    support = SPHERE
    is_on_sphere = True

    def sample(self, key: Key) -> Float[Array, " size"]:
        """μ cos θ + v sin θ with a random angle θ and a random direction v at right angles to μ.

        A gradient flows to μ and, through θ, to κ. Differs from the paper: θ is differentiated implicitly, through
        its distribution function, so the rejected proposals need no correction term.
        """
        dtype = jnp.result_type(self.loc, self.concentration, float)
        loc, concentration = at_least_float32(self.loc, self.concentration)
        angle_key, direction_key = jax.random.split(key)
        angle = sample_angle(angle_key, concentration, loc.size)
        direction = random_direction(direction_key, loc.size - 1).astype(loc.dtype)
        # The reflection that takes the first axis, with the sign opposite to μ's, to μ; it takes the other axes to
        # right angles with μ. Of the two signs this one divides by at least 1.
        sign = jnp.where(loc[0] > 0, -1.0, 1.0).astype(loc.dtype)
        flat = jnp.append(jnp.zeros(1, loc.dtype), direction)
        across = flat - (loc.at[0].add(-sign)) * (flat @ loc) / (1 + jnp.abs(loc[0]))
        return (jnp.cos(angle) * loc + jnp.sin(angle) * across).astype(dtype)

    def log_prob(self, value: Float[Array, " size"]) -> Scalar:
        """Log-density of one event, in nats, with respect to the area of the sphere."""
        value, loc, concentration = at_least_float32(value, self.loc, self.concentration)
        # In κ μᵀx − ψ(κ) both terms are near κ where it is large: their differences to κ are subtracted instead.
        lacking = 0.5 * concentration * jnp.square(value - loc).sum()
        return sphere_moments(concentration, loc.size).log_moment_gap - lacking - log_sphere_area(loc.size)

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " size"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, " size"]:
        """A(κ) μ, within the sphere."""
        dtype = jnp.result_type(self.loc, self.concentration, float)
        loc, concentration = at_least_float32(self.loc, self.concentration)
        return (sphere_moments(concentration, loc.size).resultant * loc).astype(dtype)

    def centre(self) -> Float[Array, " size"]:
        """μ, on the sphere."""
        return self.loc


def kl_to_uniform(q: VonMisesFisher) -> Scalar:
    """KL from a von Mises-Fisher distribution to the uniform one on the same sphere, in nats: κ A(κ) − ψ(κ)."""
    (concentration,) = at_least_float32(q.concentration)
    moments = sphere_moments(concentration, q.loc.size)
    return jnp.where(
        concentration < 1,
        concentration * moments.resultant - moments.log_moment,
        moments.log_moment_gap - moments.scaled_resultant_gap,
    )
