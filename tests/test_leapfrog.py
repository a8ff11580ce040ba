"""The leapfrog integrator: reversible, volume-preserving, of second order, and exact where a matrix says what it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.hamiltonian import Phase, leapfrog, leapfrog_step

STEP_SIZE = np.array([0.11, 0.23])
Z, MOMENTUM = np.array([0.7, -1.2]), np.array([0.4, 0.9])


def log_density(z):
    """A banana: smooth, and not a normal."""
    return -0.5 * (z[0] ** 2 + (z[1] - z[0] ** 2) ** 2 / 0.5)


def energy(z, momentum):
    return 0.5 * jnp.sum(momentum**2) - log_density(z)


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def moved(z, momentum, step_size, num_steps):
    return jax.jit(leapfrog, static_argnums=(0, 4))(jax.grad(log_density), z, momentum, step_size, num_steps)


def test_it_comes_back_when_the_momentum_is_turned_round():
    z, momentum = moved(Z, MOMENTUM, STEP_SIZE, 20)
    assert np.abs(z - Z).max() > 0.1
    first, turned = moved(z, -momentum, STEP_SIZE, 20)
    np.testing.assert_allclose(first, Z, atol=1e-12)
    np.testing.assert_allclose(-turned, MOMENTUM, atol=1e-12)
    back, slowed = moved(z, momentum, -STEP_SIZE, 20)
    np.testing.assert_allclose((back, slowed), (Z, MOMENTUM), atol=1e-12)


def test_it_preserves_the_volume():
    def both(point):
        return jnp.concatenate(moved(point[:2], point[2:], STEP_SIZE, 7))

    jacobian = jax.jacobian(both)(np.concatenate([Z, MOMENTUM]))
    assert np.abs(jacobian - np.eye(4)).max() > 0.5
    np.testing.assert_allclose(np.linalg.det(jacobian), 1.0, rtol=1e-12)


def test_the_error_of_the_energy_is_of_second_order():
    """Over the same time with half the step it is a quarter."""
    errors = []
    for num_steps in (40, 80, 160):
        z, momentum = moved(Z, MOMENTUM, 2.0 / num_steps, num_steps)
        errors.append(float(abs(energy(z, momentum) - energy(Z, MOMENTUM))))
    assert errors[0] > 1e-5
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4.0, rtol=0.05)


def test_a_step_on_an_oscillator_is_its_matrix():
    """For log p = −z²/2 one step is (z, ρ) -> [[1 − ε²/2, ε], [−ε(1 − ε²/4), 1 − ε²/2]] (z, ρ): Neal 2011."""
    size = STEP_SIZE
    z, momentum = jax.jit(leapfrog, static_argnums=(0, 4))(jnp.negative, Z, MOMENTUM, size, 5)
    for place in range(2):
        e = size[place]
        matrix = np.array([[1 - e**2 / 2, e], [-e * (1 - e**2 / 4), 1 - e**2 / 2]])
        expected = np.linalg.matrix_power(matrix, 5) @ [Z[place], MOMENTUM[place]]
        np.testing.assert_allclose((z[place], momentum[place]), expected, rtol=1e-12)


def test_a_pytree_moves_as_its_parts_do():
    parts = lambda vector: {"a": vector[:1], "b": vector[1:]}
    expected = leapfrog(jnp.negative, Z, MOMENTUM, STEP_SIZE, 3)
    together = lambda z: jax.tree.map(jnp.negative, z)
    for size, reference in ((parts(STEP_SIZE), expected), (0.1, leapfrog(jnp.negative, Z, MOMENTUM, 0.1, 3))):
        z, momentum = leapfrog(together, parts(Z), parts(MOMENTUM), size, 3)
        np.testing.assert_allclose([z["a"][0], z["b"][0]], reference[0])
        np.testing.assert_allclose([momentum["a"][0], momentum["b"][0]], reference[1])


def test_one_step_keeps_the_slope_of_where_it_ends():
    grad = jax.grad(log_density)
    phase = leapfrog_step(grad, Phase(Z, MOMENTUM, grad(Z)), STEP_SIZE)
    np.testing.assert_allclose(phase.slope, grad(phase.z))
    np.testing.assert_allclose((phase.z, phase.momentum), moved(Z, MOMENTUM, STEP_SIZE, 1), rtol=1e-12)


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(
        ValueError, match="expected num_steps of at least 0; got -1; turn the momentum round to go back"
    ):
        leapfrog(jnp.negative, Z, MOMENTUM, 0.1, -1)
