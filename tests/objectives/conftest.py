"""A linear-Gaussian VAE, whose log p(x), posterior and ELBO are known in closed form."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vae_jax.distributions import Normal, standard_normal
from vae_jax.vae import VAE

DATA_SIZE, LATENT_SIZE, NOISE_SCALE = 5, 2, 0.6


class LinearGaussian(NamedTuple):
    """p(z) = N(0, I), p(x|z) = N(W z + b, σ² I) with orthogonal columns of W, so p(z|x) is a diagonal normal.

    Everything is float64 numpy; `params(dtype)` casts. By Bayes' rule p(z|x) = N(M⁻¹Wᵀ(x − b), σ² M⁻¹) with
    M = WᵀW + σ² I, diagonal here.
    """

    weight: np.ndarray
    offset: np.ndarray

    @property
    def marginal(self) -> Any:
        """p(x), in scipy."""
        return multivariate_normal(self.offset, self.weight @ self.weight.T + NOISE_SCALE**2 * np.eye(DATA_SIZE))

    def exact(self, dtype: Any = jnp.float32) -> dict[str, jax.Array]:
        """Parameters with q(z|x) = p(z|x)."""
        m = np.diag(self.weight.T @ self.weight) + NOISE_SCALE**2
        params = {
            "encoder": self.weight.T / m[:, None],
            "encoder_offset": -(self.weight.T / m[:, None]) @ self.offset,
            "encoder_scale": NOISE_SCALE / np.sqrt(m),
            "decoder": self.weight,
            "decoder_offset": self.offset,
        }
        return {name: jnp.asarray(value, dtype) for name, value in params.items()}

    def wrong(self, dtype: Any = jnp.float32) -> dict[str, jax.Array]:
        """The same p(x, z) with a random posterior."""
        rng = np.random.default_rng(1)
        exact = self.exact(dtype)
        shape = exact["encoder"].shape
        return exact | {
            "encoder": exact["encoder"] + jnp.asarray(0.15 * rng.normal(size=shape), dtype),
            "encoder_scale": exact["encoder_scale"] * jnp.asarray([1.4, 0.7], dtype),
        }

    @staticmethod
    def bind(params: dict[str, jax.Array]) -> VAE:
        dtype = params["decoder"].dtype
        prior = standard_normal(LATENT_SIZE)
        return VAE(
            posterior=lambda x: Normal(params["encoder"] @ x + params["encoder_offset"], params["encoder_scale"]),
            likelihood=lambda z: Normal(
                params["decoder"] @ z + params["decoder_offset"], jnp.asarray(NOISE_SCALE, dtype)
            ),
            prior=Normal(prior.loc.astype(dtype), prior.scale.astype(dtype)),
        )

    def posterior_gap(self, params: dict[str, jax.Array], x: np.ndarray) -> float:
        """KL(q(z|x) ‖ p(z|x)): by how much the ELBO falls short of log p(x), in float64."""
        exact = self.exact()
        (q_loc, q_scale), (p_loc, p_scale) = (
            (
                np.asarray(some["encoder"], float) @ x + np.asarray(some["encoder_offset"], float),
                np.asarray(some["encoder_scale"], float),
            )
            for some in (params, exact)
        )
        return float(np.sum(np.log(p_scale / q_scale) + (q_scale**2 + (q_loc - p_loc) ** 2) / (2 * p_scale**2) - 0.5))


@pytest.fixture(scope="session")
def linear_gaussian() -> LinearGaussian:
    rng = np.random.default_rng(0)
    columns, _ = np.linalg.qr(rng.normal(size=(DATA_SIZE, LATENT_SIZE)))
    return LinearGaussian(columns * np.array([2.0, 1.0]), rng.normal(size=DATA_SIZE))


@pytest.fixture(scope="session")
def examples(linear_gaussian) -> np.ndarray:
    """Four examples from p(x)."""
    return linear_gaussian.marginal.rvs(4, random_state=0)
