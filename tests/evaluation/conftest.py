"""A linear-Gaussian VAE, whose log p(x), posterior and ELBO are known in closed form."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vae_jax.distributions import Normal, standard_normal
from vae_jax.vae import VAE, Model

DATA_SIZE, LATENT_SIZE, NOISE_SCALE = 5, 2, 0.6


class Known(NamedTuple):
    """p(x|z) = N(Wz, σ² I) with orthogonal columns, so p(z|x) = N(M⁻¹Wᵀx, σ² M⁻¹) with diagonal M = WᵀW + σ² I."""

    decoder: np.ndarray
    examples: np.ndarray

    @property
    def log_prob(self) -> np.ndarray:
        """log p(x) of each example, from scipy, in float64."""
        covariance = self.decoder @ self.decoder.T + NOISE_SCALE**2 * np.eye(DATA_SIZE)
        return multivariate_normal(np.zeros(DATA_SIZE), covariance).logpdf(self.examples.astype(float))

    @property
    def exact(self) -> dict[str, Any]:
        m = np.diag(self.decoder.T @ self.decoder) + NOISE_SCALE**2
        params = {"encoder": self.decoder.T / m[:, None], "scale": NOISE_SCALE / np.sqrt(m), "decoder": self.decoder}
        return {name: jnp.asarray(value, jnp.float32) for name, value in params.items()}

    @property
    def wrong(self) -> dict[str, Any]:
        """The same p(x, z); a posterior with heavier tails than the true one, so the weights have a variance."""
        return self.exact | {"encoder": 0.7 * self.exact["encoder"], "scale": 1.6 * self.exact["scale"]}

    @property
    def model(self) -> Model:
        return Model(lambda key: self.exact, bind)


def bind(params: dict[str, Any]) -> VAE:
    return VAE(
        posterior=lambda x: Normal(params["encoder"] @ x, params["scale"]),
        likelihood=lambda z: Normal(params["decoder"] @ z, jnp.asarray(NOISE_SCALE)),
        prior=standard_normal(LATENT_SIZE),
    )


@pytest.fixture(scope="session")
def known() -> Known:
    rng = np.random.default_rng(0)
    columns, _ = np.linalg.qr(rng.normal(size=(DATA_SIZE, LATENT_SIZE)))
    decoder = columns * np.array([2.0, 1.0])
    z = rng.normal(size=(37, LATENT_SIZE))
    examples = z @ decoder.T + NOISE_SCALE * rng.normal(size=(37, DATA_SIZE))
    return Known(decoder, examples.astype(np.float32))
