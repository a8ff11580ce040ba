"""A chain of Hamiltonian transitions leaves its density invariant."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from vae_jax.hamiltonian import hamiltonian_transition, leapfrog


def chains(transition, step_size):
    """10,000 chains that begin in the density itself, two transitions later."""
    start = jax.random.normal(jax.random.key(0), (10_000,))
    normal = lambda z: -0.5 * z**2
    for number in range(2):
        keys = jax.random.split(jax.random.key(1 + number), len(start))
        start = jax.vmap(lambda key, z: transition(key, normal, z, step_size=step_size, num_steps=3).z)(keys, start)
    return np.asarray(start)


@pytest.mark.parametrize("step_size", [0.3, 1.5, 2.5], ids=["small", "large", "beyond what is stable"])
def test_a_transition_leaves_the_density_invariant(step_size):
    assert stats.kstest(chains(hamiltonian_transition, step_size), "norm").pvalue > 1e-4


def test_without_the_choice_of_metropolis_it_does_not():
    def accepted(key, log_prob, z, *, step_size, num_steps):
        momentum = jax.random.normal(key)
        moved, _ = leapfrog(jax.grad(log_prob), z, momentum, step_size, num_steps)
        return hamiltonian_transition(key, log_prob, z, step_size=1e-3, num_steps=1)._replace(z=moved)

    assert stats.kstest(chains(accepted, 1.5), "norm").pvalue < 1e-4


def test_an_end_that_is_not_finite_is_rejected():
    cliff = lambda z: jnp.where(z > 0, -jnp.inf, -0.5 * z**2)
    z, acceptance = hamiltonian_transition(jax.random.key(0), cliff, jnp.array(-0.01), step_size=3.0, num_steps=1)
    keys = jax.random.split(jax.random.key(0), 100)
    moved = jax.vmap(lambda key: hamiltonian_transition(key, cliff, jnp.array(-0.01), step_size=3.0, num_steps=1).z)(
        keys
    )
    assert (np.asarray(moved) <= 0).all()
    assert np.unique(np.asarray(moved)).size > 10
    assert 0 <= acceptance <= 1
    assert z <= 0
