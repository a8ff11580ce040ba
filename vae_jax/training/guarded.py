"""What every trainer's step has in common: a gradient with its metrics, and an update that only finite ones make."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Scalar

from vae_jax.types import Metrics, Params

if TYPE_CHECKING:
    from vae_jax.training.trainer import TrainState


class Descent(NamedTuple):
    """Where an optimizer shall go, which is down, for values that shall go up."""

    gradient: Params
    """Of minus the mean value."""
    metrics: Metrics
    """Means over the batch, with `value` (nats per example, higher is better) and `gradient_norm` among them."""
    is_finite: Bool[Array, ""]
    """Whether value and gradient are."""


def descent(objective: Callable[[Params], tuple[Float[Array, " batch"], Metrics]], params: Params) -> Descent:
    """The gradient of minus the mean over the batch, at these parameters.

    Args:
        objective: From parameters to a value and metrics of each example.
        params: Where.
    """

    def loss(params: Params) -> tuple[Scalar, Metrics]:
        values, metrics = objective(params)
        metrics = jax.tree.map(lambda metric: jnp.mean(metric, axis=0), metrics | {"value": values})
        return -metrics["value"], metrics

    gradient, metrics = jax.grad(loss, has_aux=True)(params)
    gradient_norm = optax.tree.norm(gradient)
    is_finite = jnp.isfinite(metrics["value"]) & jnp.isfinite(gradient_norm)
    return Descent(gradient, metrics | {"gradient_norm": gradient_norm}, is_finite)


def guarded_update(
    state: TrainState, is_finite: Bool[Array, ""], update: Callable[[Params, Any, Any], tuple[Params, Any, Any]]
) -> TrainState:
    """The state after a step: what `update` makes of it, or as it was but for the counters.

    Args:
        state: Before the step.
        is_finite: Whether to update it.
        update: `(params, opt_state, average) -> (params, opt_state, average)`.
    """
    # A branch, not a choice array by array: a choice needs the old arrays beside the new ones, so XLA would copy the
    # optimizer's state at every step.
    params, opt_state, average = jax.lax.cond(
        is_finite, update, lambda *unchanged: unchanged, state.params, state.opt_state, state.average
    )
    skipped = 1 - is_finite.astype(jnp.int32)
    return state._replace(
        step=state.step + 1,
        params=params,
        opt_state=opt_state,
        average=average,
        num_skipped=state.num_skipped + skipped,
        num_skipped_in_a_row=(state.num_skipped_in_a_row + skipped) * skipped,
    )
