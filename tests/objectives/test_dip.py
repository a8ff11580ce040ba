"""DIP-VAE against covariances in numpy, and its gradient's direction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Normal, standard_normal
from vae_jax.objectives import covariance_of_codes, covariance_of_means, dip_vae, elbo, over_batch
from vae_jax.vae import VAE

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
MEANS = RNG.normal(size=(50, 3)) @ np.array([[1.0, 0.6, 0.0], [0.0, 0.8, 0.3], [0.0, 0.0, 0.5]]) + 2
SCALES = RNG.uniform(0.2, 1.0, size=(50, 3))


def posteriors(scales=SCALES):
    return Normal(jnp.asarray(MEANS, jnp.float32), jnp.asarray(scales, jnp.float32))


def test_the_covariances_are_those_of_numpy():
    of_means = np.cov(MEANS.T, bias=True)
    np.testing.assert_allclose(covariance_of_means(posteriors()), of_means, rtol=1e-4, atol=1e-6)
    of_codes = of_means + np.diag((SCALES**2).mean(axis=0))
    np.testing.assert_allclose(covariance_of_codes(posteriors()), of_codes, rtol=1e-4, atol=1e-6)
    # One scale for all dimensions of an example, broadcast as a Normal does.
    shared = of_means + np.eye(3) * (SCALES[:, 0] ** 2).mean()
    np.testing.assert_allclose(covariance_of_codes(posteriors(SCALES[:, 0])), shared, rtol=1e-4, atol=1e-6)


def test_the_second_covariance_is_that_of_sampled_codes():
    """Each entry within 4.5 standard errors of 400,000 codes."""
    codes = (MEANS + SCALES * np.random.default_rng(1).normal(size=(8_000, 50, 3))).reshape(-1, 3)
    centred = codes - MEANS.mean(axis=0)
    products = centred[:, :, None] * centred[:, None, :]
    error = products.std(axis=0) / np.sqrt(len(codes))
    assert (np.abs(covariance_of_codes(posteriors()) - products.mean(axis=0)) < 4.5 * error).all()


@pytest.mark.parametrize("covariance", [covariance_of_means, covariance_of_codes])
def test_the_penalty_is_that_of_the_covariance(covariance):
    scales = jnp.asarray(SCALES, jnp.float32)
    vae = VAE(
        lambda pair: Normal(pair[:3], pair[3:]),
        lambda z: Normal(jnp.concatenate([z, z]), jnp.ones(6)),
        standard_normal(3),
    )
    batch = jnp.concatenate([jnp.asarray(MEANS, jnp.float32), scales], axis=1)

    @jax.jit
    def both(batch):
        penalised = dip_vae(KEY, vae, batch, 0, off_diagonal=3.0, diagonal=5.0, covariance=covariance)
        return penalised, over_batch(elbo)(KEY, vae, batch, 0)

    (values, metrics), (plain, _) = both(batch)
    matrix = np.cov(MEANS.T, bias=True)
    if covariance is covariance_of_codes:
        matrix = matrix + np.diag((SCALES**2).mean(axis=0))
    off_diagonal = (matrix**2).sum() - (np.diag(matrix) ** 2).sum()
    diagonal = ((np.diag(matrix) - 1) ** 2).sum()
    np.testing.assert_allclose(plain - values, np.full(50, 3 * off_diagonal + 5 * diagonal), rtol=1e-3)
    np.testing.assert_allclose(metrics["off_diagonal"], off_diagonal, rtol=1e-4)
    np.testing.assert_allclose(metrics["diagonal"], diagonal, rtol=1e-4)


def test_codes_with_the_identity_as_covariance_cost_nothing():
    square = jnp.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    vae = VAE(lambda x: Normal(x, jnp.ones(2)), lambda z: Normal(z, jnp.ones(2)), standard_normal(2))
    _, metrics = jax.jit(lambda: dip_vae(KEY, vae, square, 0, off_diagonal=1.0, diagonal=1.0))()
    assert not np.asarray([metrics["off_diagonal"], metrics["diagonal"]]).any()
