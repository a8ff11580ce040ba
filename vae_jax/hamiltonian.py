"""Hamiltonian dynamics of a density: the leapfrog integrator, and the Markov chain that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Real, Scalar

from vae_jax.types import Key

Gradient = Callable[[Any], Any]
"""z -> ∇ log p(z), of z's structure."""


class Phase(NamedTuple):
    """A point of the dynamics; the slope is kept from one step for the next, which begins where the last one ended."""

    z: Any
    """The position, an array or a pytree of arrays."""
    momentum: Any
    """The momentum, of z's structure."""
    slope: Any
    """∇ log p(z), of z's structure."""


def leapfrog(grad: Gradient, z: Any, momentum: Any, step_size: float | Scalar | Any, num_steps: int) -> tuple[Any, Any]:
    """The position and the momentum after some steps of the leapfrog integrator for H(z, ρ) = −log p(z) + ½ ‖ρ‖².

    One step is ρ ← ρ + ε/2 ∇ log p(z); z ← z + ε ρ; ρ ← ρ + ε/2 ∇ log p(z). It preserves the volume; with the momentum
    turned round it goes back; and H changes by O(ε²) over a given time.

    Args:
        grad: z -> ∇ log p(z), such as `jax.grad(log_density)`; a constant in log p does not matter.
        z: The position, an array or a pytree of arrays.
        momentum: The momentum, of z's structure.
        step_size: ε, a number, or one for each dimension, or a pytree of either with the structure of z.
        num_steps: The number of steps, ≥ 0; it takes num_steps + 1 gradients.

    Returns:
        (z, momentum), of the structures that came in.

    Raises:
        ValueError: If `num_steps` is negative.

    Source: Neal 2011, arXiv:1206.1901, equations 2.28 to 2.30.

    Example:
        >>> import jax.numpy as jnp
        >>> z, momentum = leapfrog(jnp.negative, jnp.ones(1), jnp.zeros(1), 0.01, 314)  # half a turn of an oscillator
        >>> z.round(3).tolist()
        [-1.0]
    """
    if num_steps < 0:
        raise ValueError(f"expected num_steps of at least 0; got {num_steps}; turn the momentum round to go back")

    def step(phase: Phase, _: None) -> tuple[Phase, None]:
        return leapfrog_step(grad, phase, step_size), None

    last, _ = jax.lax.scan(step, Phase(z, momentum, grad(z)), length=num_steps)
    return last.z, last.momentum


def leapfrog_step(grad: Gradient, phase: Phase, step_size: float | Scalar | Any) -> Phase:
    """One step of `leapfrog`, for loops that do something between two steps.

    Args:
        grad: z -> ∇ log p(z).
        phase: The point to begin at, with the slope there.
        step_size: ε, as for `leapfrog`; a negative one goes back in time.
    """
    size = jax.tree.broadcast(step_size, phase.z)

    def moved(start: Any, factor: float, direction: Any) -> Any:
        return jax.tree.map(lambda a, step, along: a + factor * step * along, start, size, direction)

    half = moved(phase.momentum, 0.5, phase.slope)
    z = moved(phase.z, 1.0, half)
    slope = grad(z)
    return Phase(z, moved(half, 0.5, slope), slope)


class Transition(NamedTuple):
    """The end of one step of a Hamiltonian Markov chain."""

    z: Float[Array, "*shape"]
    """The new state: the end of the trajectory, or the old one where it was rejected."""
    acceptance: Scalar
    """The probability with which the trajectory's end was accepted."""


def hamiltonian_transition(
    key: Key,
    log_prob: Callable[[Array], Scalar],
    z: Float[Array, "*shape"],
    *,
    step_size: float | Real[Array, "..."],
    num_steps: int,
) -> Transition:
    """One step of Hamiltonian Monte Carlo: a fresh momentum, a trajectory, and Metropolis's choice of its end.

    It leaves the density p exactly invariant, whatever the step size. A trajectory that ends where log p is not finite
    is rejected.

    Args:
        key: A random key.
        log_prob: z -> log p(z) up to a constant, in nats.
        z: The state.
        step_size: ε > 0 of the leapfrog steps.
        num_steps: The number of leapfrog steps, ≥ 1.

    Source: Neal 2011, arXiv:1206.1901, section 3.2.
    """
    momentum_key, accept_key = jax.random.split(key)
    momentum = jax.random.normal(momentum_key, jnp.shape(z), jnp.result_type(z))
    energy = lambda z, momentum: 0.5 * jnp.sum(momentum**2) - log_prob(z)
    end, end_momentum = leapfrog(jax.grad(log_prob), z, momentum, step_size, num_steps)
    gained = energy(z, momentum) - energy(end, end_momentum)
    acceptance = jnp.where(jnp.isfinite(gained), jnp.exp(jnp.minimum(gained, 0.0)), 0.0)
    is_accepted = jax.random.uniform(accept_key, dtype=acceptance.dtype) < acceptance
    return Transition(jnp.where(is_accepted, end, z), acceptance)
