"""The normal distribution whose covariance is a diagonal and a few directions."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.arithmetic import quotient
from vae_jax.precision import at_least_float32, exact_matmul
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class LowRankNormal:
    """A normal vector with covariance F Fᵀ + diag σ²; one event is the vector.

    A log-density costs O(d r²) for d dimensions and rank r: no d × d matrix is ever made.

    Args:
        loc: The mean μ.
        factor: F, one column for each of the r directions.
        scale: The standard deviation σ > 0 in each dimension, beside these directions.

    Example:
        >>> import jax.numpy as jnp
        >>> float(LowRankNormal(jnp.zeros(2), jnp.zeros((2, 1)), jnp.ones(2)).log_prob(jnp.zeros(2)))  # −log 2π
        -1.837877...
    """

    loc: Float[Array, " size"]
    factor: Float[Array, "size rank"]
    scale: Float[Array, " size"]
    is_reparametrised = True
    has_density = True

    def sample(self, key: Key) -> Float[Array, " size"]:
        """μ + F ε + σ δ with ε and δ standard normal, so a gradient flows to all three parameters."""
        dtype = jnp.result_type(self.loc, self.factor, self.scale, float)
        loc, factor, scale = at_least_float32(self.loc, self.factor, self.scale)
        shared_key, own_key = jax.random.split(key)
        shared = jax.random.normal(shared_key, factor.shape[1:], loc.dtype)
        own = jax.random.normal(own_key, loc.shape, loc.dtype)
        return (loc + exact_matmul(factor, shared) + scale * own).astype(dtype)

    def log_prob(self, value: Float[Array, " size"]) -> Scalar:
        """Log-density of one event, in nats."""
        value, loc, factor, scale = at_least_float32(value, self.loc, self.factor, self.scale)
        directions, residual = quotient(factor, scale[:, None]), quotient(value - loc, scale)
        cholesky = capacitance_cholesky(directions)
        # Woodbury's yᵀ(I + A Aᵀ)⁻¹y is the minimum over w of ‖y − A w‖² + ‖w‖²: two squares, where the usual
        # ‖y‖² − ‖C⁻¹Aᵀy‖² would subtract two large numbers.
        weights = cho_solve((cholesky, True), exact_matmul(directions.T, residual))
        squares = jnp.square(residual - exact_matmul(directions, weights)).sum() + jnp.square(weights).sum()
        log_volume = jnp.log(scale).sum() + jnp.log(jnp.diagonal(cholesky)).sum()
        return -0.5 * squares - log_volume - 0.5 * loc.size * jnp.log(2 * jnp.pi)

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " size"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, " size"]:
        """μ."""
        return self.loc


def low_rank_kl(q: LowRankNormal, loc: Float[Array, " size"], scale: Float[Array, " size"]) -> Scalar:
    """KL from a low-rank normal to a diagonal one with mean m and standard deviations s, in nats.

    It is the KL without F, plus ½ (tr BᵀB − log det(I + AᵀA)) with B = F / s and A = F / σ.
    """
    q_loc, factor, q_scale, loc, scale = at_least_float32(q.loc, q.factor, q.scale, loc, scale)
    scale = jnp.broadcast_to(scale, q_scale.shape)
    log_determinant = 2 * jnp.log(jnp.diagonal(capacitance_cholesky(quotient(factor, q_scale[:, None])))).sum()
    spread = jnp.square(quotient(factor, scale[:, None])).sum()
    return formulas.gaussian_kl(q_loc, q_scale, loc, scale).sum() + 0.5 * (spread - log_determinant)


def capacitance_cholesky(directions: Float[Array, "size rank"]) -> Float[Array, "rank rank"]:
    """The Cholesky factor of I + AᵀA, a matrix of r rows that has the determinant of I + A Aᵀ."""
    identity = jnp.eye(directions.shape[1], dtype=directions.dtype)
    return jnp.linalg.cholesky(identity + exact_matmul(directions.T, directions))
