"""The training step: a pure function from a state and a batch to the next state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, Scalar

from vae_jax.types import BatchObjective, Key, Metrics, Params, StatefulObjective
from vae_jax.vae import Model


class TrainState(NamedTuple):
    """All that a run carries from step to step: one pytree, so one thing to save."""

    step: Int[Array, ""]
    """Steps done, skipped ones included."""
    key: Key
    """The run's key; a step's noise is drawn from (key, step), so a resumed run repeats it."""
    params: Params
    opt_state: Any
    num_skipped: Int[Array, ""]
    """Steps whose value or gradient was not finite, and which changed nothing but `step`."""
    num_skipped_in_a_row: Int[Array, ""]
    """Of those, how many just now, without a good one since."""
    average: Params | None = None
    """The exponential moving average of the parameters, if asked for."""
    objective_state: Any = ()
    """What a `StatefulObjective` remembers; a skipped step leaves it as it was."""


class Trainer(NamedTuple):
    """A way to train, as two pure functions: yours to jit, scan, vmap over seeds, or shard."""

    init: Callable[[Key], TrainState]
    """key -> state."""
    step: Callable[[TrainState, Any], tuple[TrainState, Metrics]]
    """(state, batch) -> (state, metrics averaged over the batch)."""


def trainer(
    model: Model,
    objective: BatchObjective | StatefulObjective,
    optimizer: optax.GradientTransformation,
    *,
    average_decay: float | Scalar | None = None,
) -> Trainer:
    """Gradient ascent on an objective, with any optax optimizer.

    A step whose value or gradient is not finite keeps parameters and optimizer as they were and is counted.

    Args:
        model: What to train.
        objective: `over_batch(elbo)` or any `(key, vae, batch, step) -> (values, metrics)`; its mean over the batch is
            maximised. Only here is a sign turned round. Or a `StatefulObjective`, whose state is kept in the
            `TrainState`.
        optimizer: For example `optax.adam(1e-3)`; its learning rate may be a traced scalar.
        average_decay: In [0, 1), the decay of an exponential moving average of the parameters, which then is what is
            validated and evaluated; None for no average.

    Returns:
        A `Trainer`. Metrics of a step are `value` (nats per example, higher is better), the objective's own, and
        `gradient_norm`.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> from vae_jax.objectives import elbo, over_batch
        >>> from vae_jax.vae import VAE
        >>> def bind(w):
        ...     return VAE(lambda x: Normal(w * x, 1.0), lambda z: Normal(w * z, 1.0), standard_normal(2))
        >>> ascent = trainer(Model(lambda key: jnp.ones(()), bind), over_batch(elbo), optax.adam(1e-3))
        >>> state, metrics = ascent.step(ascent.init(jax.random.key(0)), jnp.ones((8, 2)))
        >>> int(state.step), sorted(metrics)
        (1, ['gradient_norm', 'kl', 'log_likelihood', 'value'])
    """
    stateful = objective if isinstance(objective, StatefulObjective) else _without_state(objective)

    def init(key: Key) -> TrainState:
        params_key, run_key = jax.random.split(key)
        params = model.init(params_key)
        average = None if average_decay is None else jax.tree.map(jnp.copy, params)
        zero = jnp.zeros((), jnp.int32)
        return TrainState(
            step=zero,
            key=run_key,
            params=params,
            opt_state=optimizer.init(params),
            num_skipped=jnp.copy(zero),
            num_skipped_in_a_row=jnp.copy(zero),
            average=average,
            objective_state=stateful.init(),
        )

    def step(state: TrainState, batch: Any) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(state.key, state.step)

        def loss(params: Params) -> tuple[Scalar, tuple[Metrics, Any]]:
            values, metrics, objective_state = stateful.apply(
                key, model.bind(params), batch, state.step, state.objective_state
            )
            metrics = jax.tree.map(lambda metric: jnp.mean(metric, axis=0), metrics | {"value": values})
            return -metrics["value"], (metrics, objective_state)

        gradient, (metrics, next_objective_state) = jax.grad(loss, has_aux=True)(state.params)
        gradient_norm = optax.tree.norm(gradient)
        is_finite = jnp.isfinite(metrics["value"]) & jnp.isfinite(gradient_norm)

        def update(
            params: Params, opt_state: Any, average: Params | None, objective_state: Any
        ) -> tuple[Params, Any, Params | None, Any]:
            del objective_state
            updates, opt_state = optimizer.update(gradient, opt_state, params)
            params = optax.apply_updates(params, updates)
            if average_decay is not None:
                average = optax.incremental_update(params, average, 1 - average_decay)  # pyright: ignore
            return params, opt_state, average, next_objective_state

        # A branch, not a choice array by array: a choice needs the old arrays beside the new ones, so XLA would copy
        # the optimizer's state at every step (a tenth of the time of a small MLP's step on a CPU).
        params, opt_state, average, objective_state = jax.lax.cond(
            is_finite,
            update,
            lambda *unchanged: unchanged,
            state.params,
            state.opt_state,
            state.average,
            state.objective_state,
        )
        skipped = 1 - is_finite.astype(jnp.int32)
        next_state = TrainState(
            step=state.step + 1,
            key=state.key,
            params=params,
            opt_state=opt_state,
            num_skipped=state.num_skipped + skipped,
            num_skipped_in_a_row=(state.num_skipped_in_a_row + skipped) * skipped,
            average=average,
            objective_state=objective_state,
        )
        return next_state, metrics | {"gradient_norm": gradient_norm}

    return Trainer(init, step)


def params_to_evaluate(state: TrainState) -> Params:
    """The moving average of the parameters where a run keeps one, else the parameters."""
    return state.params if state.average is None else state.average


def _without_state(objective: BatchObjective) -> StatefulObjective:
    return StatefulObjective(
        init=lambda: (), apply=lambda key, vae, batch, step, state: (*objective(key, vae, batch, step), state)
    )
