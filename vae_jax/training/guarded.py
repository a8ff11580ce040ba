"""What every trainer's step has in common: a gradient with its metrics, and an update that is made if all is finite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Scalar

from vae_jax.axis import mean_over, varying
from vae_jax.training.optimizers import extra_arguments
from vae_jax.training.shares import Shares
from vae_jax.training.state import TrainState
from vae_jax.types import Metrics, Params


class Descent(NamedTuple):
    """Where an optimizer shall go, which is down, for values that shall go up."""

    gradient: Params
    """Of minus the mean value."""
    metrics: Metrics
    """Means over the batch, with `value` (nats per example, higher is better) and `gradient_norm` among them."""
    carried: Any
    """What the objective gives beside them."""
    is_finite: Bool[Array, ""]
    """Whether value and gradient are."""
    value_fn: Callable[[Params], Scalar]
    """Parameters -> minus the mean value, on the same batch and with the same noise: for line searches."""


def descent(
    objective: Callable[[Params, Any, Any], tuple[Float[Array, " batch"], Metrics, Any]],
    params: Params,
    keys: Any,
    batch: Any,
    shares: Shares,
) -> Descent:
    """The gradient of minus the mean over the batch, at these parameters. Only here is a sign turned round.

    Args:
        objective: From parameters, keys and a batch to a value and metrics of each example, and what else is to be
            carried on.
        params: Where.
        keys: As `Shares.keys` gives them.
        batch: The share of this device.
        shares: How the batch is shared out.
    """

    def loss(params: Params, keys: Any, batch: Any) -> tuple[Scalar, tuple[Metrics, Any]]:
        values, metrics, carried = objective(params, keys, batch)
        metrics = jax.tree.map(lambda metric: jnp.mean(metric, axis=0), metrics | {"value": values})
        return -metrics["value"], (metrics, carried)

    def gradient_at(params: Params) -> tuple[Params, Metrics, Any]:
        gradient_of_part = partial(jax.grad(loss, has_aux=True), varying(params, shares.axis_name))
        gradient, (metrics, carried) = shares.mean_of_parts(gradient_of_part, keys, batch)
        return *mean_over((gradient, metrics), shares.axis_name), carried

    # The gradient of a mean over devices is theirs to take, in the one way that is right under every runner.
    @jax.custom_vjp
    def value_fn(params: Params) -> Scalar:
        value_of_part = lambda keys, batch: loss(params, keys, batch)[0]
        return mean_over(shares.mean_of_parts(value_of_part, keys, batch), shares.axis_name)

    def value_and_gradient(params: Params) -> tuple[Scalar, Params]:
        gradient, metrics, _ = gradient_at(params)
        return -metrics["value"], gradient

    value_fn.defvjp(value_and_gradient, lambda gradient, scale: (optax.tree.scale(scale, gradient),))

    gradient, metrics, carried = gradient_at(params)
    gradient_norm = optax.tree.norm(gradient)
    is_finite = jnp.isfinite(metrics["value"]) & jnp.isfinite(gradient_norm)
    return Descent(gradient, metrics | {"gradient_norm": gradient_norm}, carried, is_finite, value_fn)


def updated(
    optimizer: optax.GradientTransformation, descent: Descent, opt_state: Any, params: Params
) -> tuple[Params, Any]:
    """Parameters and the optimizer's state after a step down."""
    extra = extra_arguments(
        optimizer,
        opt_state,
        value=-descent.metrics["value"],
        gradient=descent.gradient,
        value_fn=lambda params: descent.value_fn(params),  # a plain function: its signature is looked at
    )
    updates, opt_state = optimizer.update(descent.gradient, opt_state, params, **extra)
    return optax.apply_updates(params, updates), opt_state


def averaged(params: Params, average: Params | None, decay: float | Scalar | None) -> Params | None:
    """The moving average with these parameters taken in, where there is one."""
    if decay is None:
        return None
    return optax.incremental_update(params, average, 1 - decay)  # pyright: ignore[reportArgumentType]


def guarded_update(
    state: TrainState, is_finite: Bool[Array, ""], update: Callable[[TrainState], TrainState]
) -> TrainState:
    """The state after a step: what `update` makes of it, or as it was but for the counters.

    Args:
        state: Before the step.
        is_finite: Whether to update it.
        update: What a good step changes: `params`, `opt_state`, `average`, `objective_state`.
    """
    # A branch, not a choice array by array: a choice needs the old arrays beside the new ones, so XLA would copy the
    # optimizer's state at every step (a tenth of the time of a small MLP's step on a CPU).
    state = jax.lax.cond(is_finite, update, lambda state: state, state)
    skipped = 1 - is_finite.astype(jnp.int32)
    return state._replace(
        step=state.step + 1,
        num_skipped=state.num_skipped + skipped,
        num_skipped_in_a_row=(state.num_skipped_in_a_row + skipped) * skipped,
    )
