"""A mixture of normal distributions with full covariances, fitted by expectation maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, Float, Scalar

from vae_jax import formulas
from vae_jax.types import Key


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GaussianMixture:
    """Σₖ wₖ N(μₖ, Lₖ Lₖᵀ); one event is a vector.

    Args:
        log_weights: log wₖ.
        locs: μₖ.
        scale_trils: Lₖ, lower triangular with a positive diagonal.
    """

    log_weights: Float[Array, " component"]
    locs: Float[Array, "component size"]
    scale_trils: Float[Array, "component size size"]
    is_reparametrised: ClassVar[bool] = False

    def sample(self, key: Key) -> Float[Array, " size"]:
        """A draw; no gradient flows to the weights."""
        component_key, noise_key = jax.random.split(key)
        component = jax.random.categorical(component_key, self.log_weights)
        noise = jax.random.normal(noise_key, self.locs.shape[1:], self.locs.dtype)
        return self.locs[component] + self.scale_trils[component] @ noise

    def log_prob(self, value: Float[Array, " size"]) -> Scalar:
        """Log-density of one event, in nats."""

        def of_component(loc: Array, scale_tril: Array) -> Scalar:
            noise = solve_triangular(scale_tril, value - loc, lower=True)
            return formulas.gaussian_log_prob(noise, 0.0, 1.0).sum() - jnp.log(jnp.diagonal(scale_tril)).sum()

        return logsumexp(self.log_weights + jax.vmap(of_component)(self.locs, self.scale_trils))

    def sample_and_log_prob(self, key: Key) -> tuple[Float[Array, " size"], Scalar]:
        """A draw and its log-density in nats."""
        value = self.sample(key)
        return value, self.log_prob(value)

    def mean(self) -> Float[Array, " size"]:
        """Σₖ wₖ μₖ."""
        return jnp.exp(self.log_weights) @ self.locs


def gaussian_mixture(
    codes: Float[ArrayLike, "num size"], *, num_components: int = 10, seed: int = 0
) -> GaussianMixture:
    """The mixture that scikit-learn's expectation maximisation finds, with full covariances.

    Args:
        codes: Draws from the aggregate posterior.
        num_components: K ≥ 1.
        seed: Of where it begins.

    Raises:
        ValueError: If there are fewer codes than components.

    Source: Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020, arXiv:1903.12436, section 4 (there with 10 components).

    Example:
        >>> fit = gaussian_mixture(jax.random.normal(jax.random.key(0), (500, 2)), num_components=1)
        >>> fit.mean().shape
        (2,)
    """
    from sklearn import mixture

    array = np.asarray(codes, np.float64)
    if len(array) < num_components:
        raise ValueError(
            f"expected at least as many codes as components; got {len(array)} codes for {num_components} components; "
            "encode more examples or use fewer components"
        )
    fit = mixture.GaussianMixture(num_components, random_state=seed).fit(array)
    return GaussianMixture(
        jnp.log(jnp.asarray(fit.weights_, jnp.float32)),
        jnp.asarray(fit.means_, jnp.float32),
        jnp.asarray(np.linalg.cholesky(np.asarray(fit.covariances_)), jnp.float32),
    )
