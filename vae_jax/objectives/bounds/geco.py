"""Reconstruction as a constraint: an objective whose multiplier is learned without a gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Scalar

from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.bounds.elbo import elbo
from vae_jax.stated import separable
from vae_jax.types import Key, Keys, Objective, StatefulObjective, Values
from vae_jax.vae import VAE


class GecoState(NamedTuple):
    """The state that GECO keeps from step to step."""

    log_multiplier: Scalar
    """log λ."""
    violation: Scalar
    """A decaying sum of the constraint's violation over the steps, in nats."""
    weight: Scalar
    """The sum of the weights of `violation`, by which it is divided."""


def geco(
    target: float | Scalar,
    *,
    rate: float | Scalar = 1e-2,
    decay: float | Scalar = 0.99,
    multiplier: float | Scalar = 1.0,
    largest_multiplier: float | Scalar = 1e5,
    bound: Objective = elbo,
) -> StatefulObjective:
    """The least KL at which the expected log-likelihood reaches a target: constrained optimisation (GECO).

    λ (E log p(x|z) − τ) − KL(q(z|x) ‖ p(z)). After a step log λ moves by rate · (τ − E log p(x|z)), where the violation
    is a moving average over batches: the multiplier grows while the reconstruction is worse than asked, and falls
    after.

    Args:
        target: τ, nats per example: the log-likelihood to be reached. For a Gaussian likelihood of fixed noise σ over
            d pixels, a squared error κ² per pixel is τ = −½ d (κ²/σ² + log 2πσ²).
        rate: The speed at which log λ moves, > 0, per nat and step.
        decay: The decay of the moving average, in [0, 1).
        multiplier: λ > 0 at the beginning.
        largest_multiplier: λ stays between its inverse and this, so that a target out of reach does not overflow.
        bound: `elbo`, its options except `beta` bound by `functools.partial`, or an objective with an option `beta`
            that reports `log_likelihood`.

    Returns:
        A `StatefulObjective` for `trainer`; values in nats, higher is better at the same λ, and the metrics
        of the bound, `multiplier` (λ), and `violation` (τ − log p(x|z), nats; its mean is ≤ 0 where the target is
        reached).

    Raises:
        TypeError: When applied, if the bound has no option `beta`.

    Example:
        >>> objective = geco(target=-80.0)
        >>> float(objective.init().log_multiplier)
        0.0

    Source: Rezende & Viola 2018, arXiv:1810.00597, algorithm 1.

    Differs from the paper: the constraint is on the log-likelihood, which for Gaussian noise is their squared error
    in nats; the moving average is corrected for its start, not begun at the first value.
    """

    def init() -> GecoState:
        # Separate arrays: a training step may overwrite its state, which an array in two places forbids.
        return GecoState(jnp.log(jnp.asarray(multiplier, float)), jnp.zeros(()), jnp.zeros(()))

    @separable
    def apply(key: Key | Keys, vae: VAE, batch: Any, step: Scalar | int, state: GecoState) -> Values:
        factor = jnp.exp(state.log_multiplier)
        bounds, metrics, *seen = over_batch(bound, beta=lambda step: 1 / factor)(key, vae, batch, step)
        violations = target - metrics["log_likelihood"]
        metrics |= {"multiplier": jnp.broadcast_to(factor, bounds.shape), "violation": violations}
        return factor * (bounds - target), metrics, (seen[0] if seen else {}) | {"violation": violations}

    def after(state: GecoState, seen: dict[str, Array]) -> GecoState:
        violation = decay * state.violation + (1 - decay) * jnp.mean(seen["violation"])
        weight = decay * state.weight + (1 - decay)
        limit = jnp.log(largest_multiplier)
        log_multiplier = jnp.clip(state.log_multiplier + rate * violation / weight, -limit, limit)
        return GecoState(log_multiplier, violation, weight)

    return StatefulObjective(init, apply, after)
