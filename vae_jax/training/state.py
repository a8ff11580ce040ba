"""The state that a run carries from step to step."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from vae_jax.training.optimizers import point_to_evaluate
from vae_jax.types import Key, Params


class Players(NamedTuple):
    """The `opt_state` of a run with two players.

    The discriminator is a part of how the model is trained, as an optimizer's moments are: it is saved and resumed with
    them, and never evaluated.
    """

    model: Any
    """The state of the model's optimizer."""
    discriminator: Params
    discriminator_optimizer: Any
    """The state of the discriminator's optimizer."""


class TrainState(NamedTuple):
    """All that a run carries from step to step: one pytree, so one thing to save."""

    step: Int[Array, ""]
    """Steps done, skipped ones included."""
    key: Key
    """The run's key; a step's noise is drawn from (key, step), so a resumed run repeats it."""
    params: Params
    opt_state: Any
    num_skipped: Int[Array, ""]
    """Steps whose value or gradient was not finite, or the gradient too long, and which changed nothing but `step`."""
    num_skipped_in_a_row: Int[Array, ""]
    """Number of skipped steps since the last good one."""
    average: Params | None = None
    """The exponential moving average of the parameters, if asked for."""
    objective_state: Any = ()
    """State of a `StatefulObjective`, which `Model.after` does not see."""


def first_state(
    key: Key, params: Params, opt_state: Any, *, with_average: bool, objective_state: Any = ()
) -> TrainState:
    """The state of a run that has done nothing yet."""
    # No array stands in the state twice: a step overwrites them all.
    zero = jnp.zeros((), jnp.int32)
    average = jax.tree.map(jnp.copy, params) if with_average else None
    return TrainState(zero, key, params, opt_state, jnp.copy(zero), jnp.copy(zero), average, objective_state)


def params_to_evaluate(state: TrainState) -> Params:
    """The moving average of the parameters where a run keeps one, else the point that the optimizer evaluates."""
    if state.average is not None:
        return state.average
    is_of_two = isinstance(state.opt_state, Players)
    return point_to_evaluate(state.params, state.opt_state.model if is_of_two else state.opt_state)
