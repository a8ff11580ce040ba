"""The logistic-normal distribution on the simplex."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax import formulas
from vae_jax.distributions.random_softmax import mean_of_normal_softmax
from vae_jax.distributions.simplex import log_of_simplex, smallest_entry
from vae_jax.distributions.support import SIMPLEX
from vae_jax.precision import at_least_float32
from vae_jax.pytree import register_dataclass
from vae_jax.types import Key


@register_dataclass
@dataclass(frozen=True)
class LogisticNormal:
    """A point x = softmax(y₁, …, y_{K−1}, 0) on the simplex of K entries, y normal; one event is the point.

    Args:
        loc: The mean μ of the log-ratios yₖ = log xₖ/x_K, K − 1 numbers.
        scale: Their standard deviation σ > 0.

    Example:
        >>> import jax.numpy as jnp
        >>> LogisticNormal(jnp.zeros(2), jnp.ones(2)).mean().round(4).tolist()  # the last entry is the reference
        [0.345..., 0.345..., 0.309...]

    Source: Aitchison & Shen 1980, Biometrika 67(2).
    """

    loc: Float[Array, " ratio"]
    scale: Float[Array, " ratio"]
    is_reparametrised = True
    has_density = True
    support = SIMPLEX

    def sample(self, key: Key) -> Float[Array, " entry"]:
        """softmax(μ + σ ε, 0) with ε standard normal, so a gradient flows to μ and σ."""
        dtype = jnp.result_type(self.loc, self.scale, float)
        loc, scale = at_least_float32(self.loc, self.scale)
        ratios = loc + scale * jax.random.normal(key, loc.shape, loc.dtype)
        value = jax.nn.softmax(jnp.append(ratios, 0.0))
        return jnp.maximum(value, smallest_entry(value)).astype(dtype)

    def log_prob(self, value: Float[Array, " entry"]) -> Scalar:
        """Log-density of one event, in nats, with respect to all entries but the last."""
        logs = log_of_simplex(value)
        # The map from the log-ratios to the entries but the last has the Jacobian determinant Πₖ xₖ.
        return formulas.gaussian_log_prob(logs[:-1] - logs[-1], self.loc, self.scale).sum() - logs.sum()

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " entry"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, " entry"]:
        """E x, by quadrature."""
        dtype = jnp.result_type(self.loc, self.scale, float)
        loc, scale = at_least_float32(self.loc, self.scale)
        return mean_of_normal_softmax(jnp.append(loc, 0.0), jnp.append(scale, 0.0)).astype(dtype)
