"""The normal distribution with a full covariance, by its Cholesky factor."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.arithmetic import bounded_exp
from vae_jax.precision import at_least_float32, exact_matmul
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class MultivariateNormal:
    """A normal vector with covariance L Lᵀ; one event is the vector.

    Args:
        loc: The mean μ.
        scale_tril: L, lower triangular with a positive diagonal; the entries above are not read. `tril_from_vector`
            makes one.

    Example:
        >>> import jax.numpy as jnp
        >>> float(MultivariateNormal(jnp.zeros(2), jnp.eye(2)).log_prob(jnp.zeros(2)))  # −log 2π
        -1.837877...
    """

    loc: Float[Array, " size"]
    scale_tril: Float[Array, "size size"]
    is_reparametrised = True
    has_density = True

    def sample(self, key: Key) -> Float[Array, " size"]:
        """μ + L ε with ε standard normal, so a gradient flows to μ and L."""
        dtype = jnp.result_type(self.loc, self.scale_tril, float)
        loc, scale_tril = at_least_float32(self.loc, self.scale_tril)
        noise = jax.random.normal(key, loc.shape, loc.dtype)
        return (loc + exact_matmul(jnp.tril(scale_tril), noise)).astype(dtype)

    def log_prob(self, value: Float[Array, " size"]) -> Scalar:
        """Log-density of one event, in nats."""
        value, loc, scale_tril = at_least_float32(value, self.loc, self.scale_tril)
        noise = solve_triangular(scale_tril, value - loc, lower=True)
        return formulas.gaussian_log_prob(noise, 0.0, 1.0).sum() - jnp.log(jnp.diagonal(scale_tril)).sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " size"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, " size"]:
        """μ."""
        return self.loc


def tril_from_vector(vector: Float[Array, " entries"], size: int) -> Float[Array, "size size"]:
    """A Cholesky factor from unconstrained numbers: the logarithm of its diagonal, then its lower part row by row.

    Every covariance matrix has exactly one such vector, and zeros give the identity.

    Args:
        vector: d (d + 1) / 2 real numbers.
        size: d.

    Returns:
        Lower triangular, its diagonal positive.

    Raises:
        ValueError: If the vector has another length.

    Example:
        >>> tril_from_vector(jnp.array([0.0, 0.0, 5.0]), 2).tolist()
        [[1.0, 0.0], [5.0, 1.0]]
    """
    expected = size * (size + 1) // 2
    if vector.shape != (expected,):
        raise ValueError(
            f"expected {expected} numbers for a lower-triangular matrix of {size} rows; got shape {vector.shape}; "
            "give d (d + 1) / 2"
        )
    below = jnp.zeros((size, size), vector.dtype).at[jnp.tril_indices(size, -1)].set(vector[size:])
    return below + jnp.diag(bounded_exp(vector[:size]))
