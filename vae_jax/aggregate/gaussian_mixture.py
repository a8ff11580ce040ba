"""A mixture of normal distributions with full covariances, fitted by expectation maximisation."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from vae_jax.distributions import Mixture, MultivariateNormal
from vae_jax.extras import told_if_missing


@told_if_missing()
def gaussian_mixture(codes: Float[ArrayLike, "num size"], *, num_components: int = 10, seed: int = 0) -> Mixture:
    """The mixture that scikit-learn's expectation maximisation finds, with full covariances.

    Args:
        codes: Draws from the aggregate posterior.
        num_components: K ≥ 1.
        seed: The seed of the initialisation.

    Raises:
        ValueError: If there are fewer codes than components.

    Source: Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020, arXiv:1903.12436, section 4 (there with 10 components).

    Example:
        >>> import jax
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
    scale_trils = np.linalg.cholesky(np.asarray(fit.covariances_))
    locs, scale_trils = (jnp.asarray(array, jnp.float32) for array in (fit.means_, scale_trils))
    return Mixture(jnp.log(jnp.asarray(fit.weights_, jnp.float32)), MultivariateNormal(locs, scale_trils))
