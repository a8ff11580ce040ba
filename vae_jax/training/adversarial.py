"""Training with two players: a model, and a discriminator that it trains against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import optax
from jaxtyping import Array, Bool, Scalar

from vae_jax.keys import typed
from vae_jax.training.guarded import as_step, averaged, descent, ended, guarded_update, updated
from vae_jax.training.optimizers import first_opt_state, of_one_copy, point_to_evaluate
from vae_jax.training.shares import Shares
from vae_jax.training.state import Players, TrainState, first_state
from vae_jax.training.trainer import Trainer
from vae_jax.types import Key, Metrics, Params, Values
from vae_jax.vae import Model

PlayerObjective = Callable[[Key, Any, Callable[[Array], Array], Any, Any], Values]
"""A player's `BatchObjective`, to be maximised: `(key, vae, discriminator, batch, step) -> (values, metrics)`."""


def adversarial_trainer(
    model: Model,
    objective: PlayerObjective,
    optimizer: optax.GradientTransformation,
    *,
    discriminator: Any,
    discriminator_objective: PlayerObjective,
    discriminator_optimizer: optax.GradientTransformation,
    average_decay: float | Scalar | None = None,
    axis_name: str | None = None,
) -> Trainer:
    """Gradient ascent of two players at once, each on an objective of its own.

    In a step both see the same key, the same batch, and each other's parameters from before the step. A step in which
    the value or gradient of either is not finite leaves both as they were and is counted.

    Args:
        model: The model to train.
        objective: The model's, say `partial(factor_vae, gamma=10.0)`: its mean is maximised by the model's parameters
            alone. A third result of it is passed to `Model.after`.
        optimizer: The model's.
        discriminator: A `networks.Network` from one code to one number, a logit: `mlp((latent_size,), (), ...)`; or
            from an image to logits of its patches: `grid_encoder(shape, 1, ...)`.
        discriminator_objective: The discriminator's, say `factor_vae_discriminator`, maximised by its parameters alone.
        discriminator_optimizer: The discriminator's.
        average_decay: As for `trainer`, for a moving average of the model's parameters.
        axis_name: As for `trainer`.

    Returns:
        A `Trainer` whose `TrainState.params` are the model's. Metrics of a step are `value` (the model's; nats per
        example, higher is better), `gradient_norm`, those of the model's objective, and the same of the discriminator
        behind `discriminator_`.

    Raises:
        ValueError: With an axis name, if a player does not state whether it couples the examples of a batch.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1. Differs from the paper: both players move at once.
    """
    shares = Shares(axis_name)
    optimizer, discriminator_optimizer = of_one_copy(optimizer), of_one_copy(discriminator_optimizer)
    of_model, of_discriminator = shares.fitted(objective), shares.fitted(discriminator_objective)

    def init(key: Key) -> TrainState:
        model_key, discriminator_key, run_key = jax.random.split(typed(key), 3)
        params, other = model.init(model_key), discriminator.init(discriminator_key)
        of_other = first_opt_state(discriminator_optimizer, other)
        players = Players(first_opt_state(optimizer, params), other, of_other)
        return first_state(run_key, params, players, with_average=average_decay is not None)

    def discriminating(params: Params) -> Callable[[Array], Array]:
        def logits(code: Array) -> Array:
            output = discriminator.apply(params, code)
            return output.reshape(()) if output.size == 1 else output

        return logits

    @as_step
    def step(state: TrainState, batch: Any) -> tuple[TrainState, Metrics]:
        key = jax.random.fold_in(state.key, state.step)

        def values(params: Params, keys: Any, batch: Any) -> Values:
            opponent = discriminating(state.opt_state.discriminator)
            return of_model(keys, model.bind(params), opponent, batch, state.step)

        def discriminator_values(params: Params, keys: Any, batch: Any) -> Values:
            opponent = model.bind(state.params)
            return of_discriminator(keys, opponent, discriminating(params), batch, state.step)

        own = descent(values, state.params, shares.keys(of_model, key, batch), batch, shares)
        keys = shares.keys(of_discriminator, key, batch)
        other = descent(discriminator_values, state.opt_state.discriminator, keys, batch, shares)

        def update(state: TrainState) -> tuple[TrainState, Bool[Array, ""]]:
            players = state.opt_state
            params, model_state, is_finite = updated(optimizer, own, players.model, state.params)
            params = ended(model.after, params, own.seen)
            of_other = (other, players.discriminator_optimizer, players.discriminator)
            discriminator_params, discriminator_state, other_is_finite = updated(discriminator_optimizer, *of_other)
            moved = state._replace(
                params=params,
                opt_state=Players(model_state, discriminator_params, discriminator_state),
                average=averaged(point_to_evaluate(params, model_state), state.average, average_decay),
            )
            return moved, is_finite & other_is_finite

        next_state = guarded_update(state, own.is_finite & other.is_finite, update)
        return next_state, own.metrics | {f"discriminator_{name}": value for name, value in other.metrics.items()}

    return Trainer(init, step)
