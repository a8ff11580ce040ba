"""Annealed importance sampling: chains from a distribution that is known to the posterior, and back again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Scalar
from scipy.special import expit

from vae_jax.hamiltonian import hamiltonian_transition
from vae_jax.types import Key

LogDensity = Callable[[Float[Array, " size"]], Scalar]


class Path(NamedTuple):
    """The way from a density at t = 0 to another at t = 1: log f_t = (1 − t) log f₀ + t log f₁, up to a constant."""

    log_start: LogDensity
    """z -> log f₀(z), a normalised density that can be drawn from: p(z), or q(z|x)."""
    log_end: LogDensity
    """z -> log f₁(z): log p(x, z), whose integral is asked for."""

    def slope(self, z: Float[Array, " size"]) -> Scalar:
        """d/dt log f_t(z) = log f₁(z) − log f₀(z): log p(x|z) where the path starts at the prior."""
        return self.log_end(z) - self.log_start(z)

    def log_prob(self, z: Float[Array, " size"], temperature: float | Scalar) -> Scalar:
        """log f_t(z), up to a constant."""
        return self.log_start(z) + temperature * self.slope(z)


class Walk(NamedTuple):
    """Chains that were led along a path."""

    slopes: Float[Array, "points chains"]
    """d/dt log f_t at the states: before the first transition, and after each."""
    acceptance: Float[Array, " temperatures"]
    """The mean acceptance of the transitions at each temperature."""
    step_sizes: Float[Array, " temperatures"]
    """The step size at each temperature."""
    end: Float[Array, "chains size"]
    """The states at the end."""


def walk(
    key: Key,
    path: Path,
    start: Float[Array, "chains size"],
    temperatures: Float[Array, " temperatures"],
    step_sizes: Float[Array, " temperatures"],
    *,
    num_leapfrog_steps: int,
    acceptance: float | None = None,
) -> Walk:
    """Lead chains along a path, with one Hamiltonian transition at each temperature.

    Args:
        key: A random key.
        path: The path.
        start: The states at the beginning.
        temperatures: t of each transition, in order.
        step_sizes: ε of each transition; with `acceptance`, ε of the first one alone counts.
        num_leapfrog_steps: The number of leapfrog steps of a transition.
        acceptance: The acceptance that the step size is steered to, from one temperature to the next; None for the
            step sizes that are given. Chains that steer do not leave f_t invariant: use their step sizes for others.
    """

    def transition(
        state: tuple[Array, Array], of_step: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array, Array]]:
        z, steered = state
        key, temperature, given = of_step
        step_size = given if acceptance is None else steered
        keys = jax.random.split(key, len(z))
        log_prob = lambda z: path.log_prob(z, temperature)
        moved = jax.vmap(
            lambda key, z: hamiltonian_transition(key, log_prob, z, step_size=step_size, num_steps=num_leapfrog_steps)
        )(keys, z)
        accepted = jnp.mean(moved.acceptance)
        if acceptance is not None:
            steered = steered * jnp.exp(STEERING * (accepted - acceptance))
        return (moved.z, steered), (jax.vmap(path.slope)(moved.z), accepted, step_size)

    along = (jax.random.split(key, len(temperatures)), temperatures, step_sizes)
    (end, _), (slopes, accepted, taken) = jax.lax.scan(transition, (start, step_sizes[0]), along)
    return Walk(jnp.concatenate([jax.vmap(path.slope)(start)[None], slopes]), accepted, taken, end)


STEERING = 0.2
"""The change of the logarithm of the step size, for an acceptance that is off by one."""


def temperatures_of(num: int, *, steepness: float = 4.0) -> Float[np.ndarray, " points"]:
    """Temperatures from 0 to 1, close together at both ends: a logistic curve of evenly spaced points.

    Args:
        num: T ≥ 1, the number of intervals.
        steepness: δ; points run from −δ to δ.

    Source: Wu et al. 2017, arXiv:1611.04273 (after Grosse et al. 2015, arXiv:1511.02543).

    Example:
        >>> temperatures_of(4).round(3).tolist()
        [0.0, 0.105, 0.5, 0.895, 1.0]
    """
    curve = expit(steepness * np.linspace(-1, 1, num + 1))
    return (curve - curve[0]) / (curve[-1] - curve[0])


def log_ratio(slopes: Float[np.ndarray, "... intervals chains"], temperatures: np.ndarray) -> np.ndarray:
    """Σₖ (tₖ − tₖ₋₁) slope(zₖ₋₁), in float64: the log-weight of each chain.

    Args:
        slopes: At the states that end each interval but the last: forwards z₀, …, z_{T−1}; backwards the same places.
        temperatures: t₀ = 0, …, t_T = 1, in the order of the slopes.
    """
    return np.einsum("...tc,t->...c", np.asarray(slopes, np.float64), np.abs(np.diff(temperatures)))


def lower_bound(log_weights: Float[np.ndarray, "num chains"]) -> Float[np.ndarray, " num"]:
    """log (1/C) Σ exp(log-weight) of chains from t = 0 to 1: in expectation at most log p(x), in nats."""
    return np.logaddexp.reduce(log_weights, axis=-1) - np.log(log_weights.shape[-1])


def upper_bound(log_weights: Float[np.ndarray, "num chains"]) -> Float[np.ndarray, " num"]:
    """−log (1/C) Σ exp(−log-weight) of chains from an exact sample at t = 1 to 0: in expectation at least log p(x).

    Source: Grosse, Ghahramani & Adams 2015, arXiv:1511.02543 (bidirectional Monte Carlo).
    """
    return -lower_bound(-log_weights)


def thermodynamic_integral(slopes: Float[np.ndarray, "num points chains"], temperatures: np.ndarray) -> np.ndarray:
    """∫₀¹ E_t[slope] dt by the trapezoidal rule over the chains' means: log p(x), where each chain is at equilibrium.

    No bound: the rule's error is O(1/T²), that of chains that lag behind has the sign of the lag.

    Source: Gelman & Meng 1998, Statistical Science 13(2).
    """
    return np.trapezoid(np.asarray(slopes, np.float64).mean(axis=-1), temperatures, axis=-1)
