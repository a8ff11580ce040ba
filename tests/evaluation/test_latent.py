"""What the latent dimensions do."""

import jax
import jax.numpy as jnp
import numpy as np

from vae_jax.distributions import Normal, PointMass, kl_per_dimension, standard_normal
from vae_jax.evaluation import code, most_active, num_active_units
from vae_jax.vae import VAE

KEY = jax.random.key(0)
X = jnp.array([1.0, -2.0])
VAE_OF_TWO = VAE(lambda x: Normal(0.5 * x, jnp.array([0.5, 1.5])), lambda z: Normal(z, 1.0), standard_normal(2))


def test_a_code_is_the_posterior_s_mean_and_its_kl_dimension_by_dimension():
    found = code(KEY, VAE_OF_TWO, X)
    np.testing.assert_allclose(found.mean, [0.5, -1.0])
    mean, scale = np.array([0.5, -1.0]), np.array([0.5, 1.5])
    np.testing.assert_allclose(found.kl_per_dimension, 0.5 * (scale**2 + mean**2 - 1) - np.log(scale), rtol=1e-5)
    np.testing.assert_array_equal(found.kl_per_dimension, kl_per_dimension(VAE_OF_TWO.posterior(X), VAE_OF_TWO.prior))


def test_a_code_without_a_closed_form_has_no_kl():
    found = code(KEY, VAE_OF_TWO._replace(posterior=PointMass), X)
    np.testing.assert_array_equal(found.mean, X)
    assert found.kl_per_dimension is None
    assert found.kl_per_group is None
    assert jax.vmap(lambda x: code(KEY, VAE_OF_TWO._replace(posterior=PointMass), x))(X[None]).kl_per_dimension is None


def test_active_units_are_those_whose_mean_varies_by_more_than_a_hundredth():
    """Of variances 0, 0.0099, 0.0101 and 4, two are above 0.01; a large mean alone makes no unit active."""
    signs = np.array([1.0, -1.0])[:, None]
    means = 7.0 + signs * np.sqrt([0.0, 0.0099, 0.0101, 4.0])
    assert num_active_units(means) == 2
    assert num_active_units(means, threshold=0.009) == 3
    assert num_active_units(means, threshold=5) == 0


def test_most_active_is_by_kl_greatest_first_and_ties_in_order():
    assert most_active(np.array([0.1, 3.0, 0.0, 3.0, 2.0]), 4).tolist() == [1, 3, 4, 0]
