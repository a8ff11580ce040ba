"""Generation, against a linear VAE whose every answer is a matrix product."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from vae_jax import generation
from vae_jax.distributions import Normal, Product, SphericalUniform, VonMisesFisher, centre, standard_normal
from vae_jax.vae import VAE

ENCODER = np.array([[0.5, -0.2, 0.1], [0.3, 0.4, -0.6]])  # latent x data
DECODER = np.array([[1.0, 0.5], [-0.3, 0.8], [0.2, -1.1]])  # data x latent
BIAS = np.array([0.1, -0.2, 0.3])
NOISE = 0.25


def linear_vae(decoder=DECODER, encoder=ENCODER) -> VAE:
    latent = decoder.shape[1]
    return VAE(
        posterior=lambda x: Normal(jnp.asarray(encoder) @ (x - BIAS), jnp.full(latent, 0.3)),
        likelihood=lambda z: Normal(jnp.asarray(decoder) @ z + BIAS, jnp.asarray(NOISE)),
        prior=standard_normal(latent),
    )


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture
def examples():
    return np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)


def test_encode_decode_and_reconstruct_are_the_matrix_products(examples):
    codes = (examples - BIAS) @ ENCODER.T
    close(generation.encode(linear_vae(), examples), codes)
    close(generation.decode(linear_vae(), codes), codes @ DECODER.T + BIAS)
    close(generation.reconstruct(linear_vae(), examples), codes @ DECODER.T + BIAS)


def test_sampled_means_have_the_moments_of_the_decoded_prior_and_draws_add_the_noise():
    num = 40_000
    means = generation.sample(jax.random.key(1), linear_vae(), num)
    draws = generation.sample(jax.random.key(1), linear_vae(), num, mean=False)
    covariance = DECODER @ DECODER.T
    # Five standard errors of a covariance entry, at most (1 + 1) · largest variance / √num.
    tolerance = 5 * 2 * covariance.max() / np.sqrt(num)
    np.testing.assert_allclose(means.mean(0), BIAS, atol=tolerance)
    np.testing.assert_allclose(np.cov(means.T), covariance, atol=tolerance)
    np.testing.assert_allclose(np.cov(draws.T), covariance + NOISE**2 * np.eye(3), atol=tolerance)
    # The same key gives the same z, so what is left between the two is the noise of p(x|z) alone.
    np.testing.assert_allclose(np.std(draws - means), NOISE, rtol=0.02)
    assert np.linalg.matrix_rank(np.cov(means.T), tol=1e-4) == 2


def test_the_manifold_lies_on_gaussian_quantiles_with_the_second_latent_growing_upwards():
    grid = generation.manifold(linear_vae(), 5)
    assert grid.shape == (5, 5, 3)
    quantiles = norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9])
    for row in range(5):
        for column in range(5):
            z = np.array([quantiles[column], quantiles[4 - row]])
            close(grid[row, column], DECODER @ z + BIAS)
    codes = generation.manifold_codes(3)
    assert codes[0, 0, 1] > codes[2, 0, 1]
    assert codes[0, 0, 0] < codes[0, 2, 0]


def test_the_manifold_can_follow_another_gaussian():
    moved = generation.manifold_codes(4, loc=jnp.array([1.0, -2.0]), scale=jnp.array([2.0, 0.5]))
    close(moved, np.array([1.0, -2.0]) + np.array([2.0, 0.5]) * generation.manifold_codes(4))


def test_the_manifold_of_another_latent_is_refused():
    with pytest.raises(ValueError, match=r"expected a VAE whose latent has shape \(2,\); got \(3,\); use traversals"):
        generation.manifold(linear_vae(np.eye(3), np.eye(3)), 4)


def test_traversals_move_along_one_column_of_the_decoder_through_the_reconstruction(examples):
    x = examples[0]
    walks = generation.traversals(linear_vae(), x, 5, num_deviations=2.0)
    reconstruction = DECODER @ (ENCODER @ (x - BIAS)) + BIAS
    assert walks.shape == (2, 5, 3)
    for dimension in range(2):
        for index, offset in enumerate([-2.0, -1.0, 0.0, 1.0, 2.0]):
            close(walks[dimension, index], reconstruction + offset * DECODER[:, dimension])


def test_traversals_of_chosen_dimensions_in_their_order_and_scale(examples):
    every = generation.traversals(linear_vae(), examples[0], 3, num_deviations=1.0, scale=jnp.array([3.0, 0.5]))
    close(every[:, 2] - every[:, 1], np.array([3.0, 0.5])[:, None] * DECODER.T)
    # The indices may be traced: they often come from an argsort of the KL.
    chosen = jax.jit(
        lambda dimensions: generation.traversals(
            linear_vae(), examples[0], 3, num_deviations=1.0, scale=jnp.array([3.0, 0.5]), dimensions=dimensions
        )
    )(jnp.array([1, 0, 1]))
    close(chosen, every[jnp.array([1, 0, 1])])


def test_a_dimension_that_does_not_exist_is_nan_and_not_another_one(examples):
    walks = generation.traversals(linear_vae(), examples[0], 3, dimensions=[0, 2])
    assert np.isfinite(walks[0]).all()
    assert np.isnan(walks[1]).all()


def test_interpolations_run_evenly_from_one_reconstruction_to_the_other(examples):
    line = generation.interpolate(linear_vae(), examples[0], examples[1], 5)
    ends = generation.reconstruct(linear_vae(), examples[:2])
    for index, weight in enumerate([0.0, 0.25, 0.5, 0.75, 1.0]):
        close(line[index], (1 - weight) * ends[0] + weight * ends[1])


def test_compiled_equals_eager(examples):
    eager = generation.sample(jax.random.key(2), linear_vae(), 4)
    close(jax.jit(lambda key: generation.sample(key, linear_vae(), 4))(jax.random.key(2)), eager)
    close(
        jax.jit(lambda x: generation.reconstruct(linear_vae(), x))(examples),
        generation.reconstruct(linear_vae(), examples),
    )


# On the sphere

CODES = np.array([[0.6, 0.8, 0.0], [0.0, -0.6, 0.8], [0.6, 0.8, 1e-4], [-0.6, -0.8, 0.0], [0.6, 0.8, 0.0]])


@pytest.mark.parametrize("end", range(1, 5))
def test_an_interpolation_on_the_sphere_is_an_arc_at_equal_distances(end):
    """Also between neighbours, between opposites, and from a code to itself."""
    a, b = jnp.asarray(CODES[0]), jnp.asarray(CODES[end] / np.linalg.norm(CODES[end]))
    arc = np.asarray(generation.interpolation_codes(a, b, 7, on_sphere=True), float)
    np.testing.assert_allclose(np.linalg.norm(arc, axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(arc[[0, -1]], [a, b], atol=1e-6)
    steps = np.linalg.norm(np.diff(arc, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-2, atol=1e-6)
    whole = np.arccos(np.clip(CODES[0] @ np.asarray(b, float), -1, 1))
    np.testing.assert_allclose((2 * np.arcsin(steps / 2)).sum(), whole, atol=2e-3)


def test_a_traversal_on_the_sphere_stays_on_it_and_turns_by_its_angle():
    code = jnp.asarray(CODES[0])
    walks = generation.traversal_codes(code, 5, num_deviations=2.0, scale=jnp.array([0.1, 0.2, 0.3]), on_sphere=True)
    np.testing.assert_allclose(np.linalg.norm(walks, axis=-1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(walks[:, 2], np.broadcast_to(code, (3, 3)), atol=1e-7)
    angles = np.arccos(np.clip(np.asarray(walks[:, -1]) @ CODES[0], -1, 1))
    np.testing.assert_allclose(angles, [0.2, 0.4, 0.6], rtol=1e-4)
    assert (np.diff(np.stack([walks[i, :, i] for i in range(3)]), axis=1) > 0).all()


def test_codes_of_a_spherical_model_are_on_the_sphere():
    """What is decoded is never the mean, which lies within."""
    vae = VAE(
        lambda x: VonMisesFisher(x / jnp.linalg.norm(x), jnp.asarray(2.0)),
        lambda z: Normal(z, jnp.ones(3)),
        SphericalUniform(3),
    )
    x, y = jnp.array([3.0, 4.0, 0.0]), jnp.array([0.0, 0.0, 2.0])
    np.testing.assert_allclose(generation.encode(vae, x[None]), CODES[:1], rtol=1e-6)
    for shown in (
        generation.reconstruct(vae, x[None]),
        generation.interpolate(vae, x, y, 5),
        generation.traversals(vae, x, 5).reshape(-1, 3),
    ):
        np.testing.assert_allclose(np.linalg.norm(shown, axis=-1), 1.0, rtol=1e-6)
    both = Product({"direction": vae.posterior(x), "size": Normal(jnp.ones(1), jnp.ones(1))})
    np.testing.assert_allclose(centre(both)["direction"], CODES[0], rtol=1e-6)
