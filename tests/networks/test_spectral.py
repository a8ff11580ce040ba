"""Spectral normalisation against singular values in numpy."""

import jax
import jax.numpy as jnp
import numpy as np

from vae_jax.networks import largest_singular_value, mlp, spectrally_normalised, with_spectral_norm


def test_power_iteration_comes_from_below_to_the_largest_singular_value():
    matrix = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    exact = np.linalg.svd(matrix, compute_uv=False)[0]
    estimates = [float(largest_singular_value(jnp.asarray(matrix), num_iterations=num)) for num in (1, 3, 10, 100)]
    assert estimates == sorted(estimates)
    assert max(estimates) <= exact * (1 + 1e-6)
    np.testing.assert_allclose(estimates[-1], exact, rtol=1e-6)


def test_its_gradient_is_the_outer_product_of_the_singular_vectors():
    matrix = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    left, _, right = np.linalg.svd(matrix)
    gradient = jax.grad(lambda some: largest_singular_value(some, num_iterations=200))(jnp.asarray(matrix))
    np.testing.assert_allclose(gradient, np.outer(left[:, 0], right[0]), atol=1e-5)


def test_every_matrix_gets_norm_one_and_vectors_stay():
    """A kernel of a convolution is the matrix of a patch; zeros stay zeros, with a finite gradient."""
    params = {
        "dense": {
            "kernel": jnp.asarray(np.random.default_rng(0).normal(size=(6, 3)), jnp.float32),
            "bias": jnp.arange(3.0),
        },
        "conv": {"kernel": jnp.asarray(np.random.default_rng(0).normal(size=(2, 2, 3, 5)), jnp.float32)},
        "zero": jnp.zeros((2, 2)),
    }
    normalised = jax.jit(lambda params: spectrally_normalised(params, num_iterations=200))(params)
    for kernel in (normalised["dense"]["kernel"], normalised["conv"]["kernel"].reshape(12, 5)):
        np.testing.assert_allclose(np.linalg.norm(kernel, 2), 1.0, rtol=1e-5)
    np.testing.assert_allclose(
        normalised["dense"]["kernel"] / params["dense"]["kernel"],
        1 / np.linalg.norm(params["dense"]["kernel"], 2),
        1e-5,
    )
    np.testing.assert_array_equal(normalised["dense"]["bias"], params["dense"]["bias"])
    np.testing.assert_array_equal(normalised["zero"], 0.0)

    @jax.jit
    @jax.grad
    def gradient(params):
        return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(spectrally_normalised(params)))

    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient(params)))


def test_the_network_moves_no_further_than_its_input():
    """The largest singular value of its Jacobian is at most one, where the plain network's is above."""
    plain = mlp((4,), (9,), (16, 16))
    network = with_spectral_norm(plain, num_iterations=50)
    params = jax.tree.map(lambda leaf: 3 * leaf, plain.init(jax.random.key(0)))

    @jax.jit
    @jax.vmap
    def jacobians(z):
        return [jax.jacfwd(lambda z, some=some: some.apply(params, z))(z) for some in (plain, network)]

    of_plain, of_network = jacobians(jnp.asarray(np.random.default_rng(0).normal(size=(20, 4)), jnp.float32))
    assert np.linalg.norm(of_plain, 2, axis=(1, 2)).max() > 2
    assert np.linalg.norm(of_network, 2, axis=(1, 2)).max() <= 1 + 1e-4
    assert network.init is plain.init
