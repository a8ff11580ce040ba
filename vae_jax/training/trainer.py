"""The training step: a pure function from a state and a batch to the next state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax
from jaxtyping import Array, Bool, Scalar

from vae_jax.keys import typed
from vae_jax.training.guarded import as_step, averaged, descent, ended, guarded_update, updated
from vae_jax.training.optimizers import first_opt_state, of_one_copy, point_to_evaluate
from vae_jax.training.shares import Shares
from vae_jax.training.state import TrainState, first_state
from vae_jax.types import BatchObjective, Key, Metrics, Params, StatefulObjective, Values
from vae_jax.vae import Model


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
    skip_above: float | Scalar | None = None,
    axis_name: str | None = None,
    num_parts: int = 1,
) -> Trainer:
    """Gradient ascent on an objective, with any optax optimizer.

    A step whose value or gradient is not finite keeps parameters and optimizer as they were and is counted. So is one
    whose update is not finite: its entries that are not finite (all, by a learning rate of 1/√0) leave the parameters
    as they were.
    Optimizers that ask for the value or for a function of it (line searches as in `lbfgs`, `reduce_on_plateau`,
    `polyak_sgd`, `sophia`) get minus the mean value, on the batch of the step. The parameters of `lookahead`,
    `schedule_free` and `sam` are evaluated at other points, which `params_to_evaluate` returns.

    Args:
        model: The model to train.
        objective: `over_batch(elbo)` or any `(key, vae, batch, step) -> (values, metrics)`; its mean over the batch is
            maximised, and a third result is passed to `Model.after`. Or a `StatefulObjective`, whose state is
            kept in the `TrainState`. With an axis name or in parts, it has to state whether it couples the examples of
            a batch.
        optimizer: For example `optax.adam(1e-3)`; its learning rate may be a traced scalar.
        average_decay: In [0, 1), the decay of an exponential moving average of the parameters, which is then
            validated and evaluated; None for no average.
        skip_above: The norm of the gradient above which a step is skipped as one that is not finite: it changes
            nothing and is counted. In very deep models a few gradients are thousands of times as long as the others
            (Child 2021, arXiv:2011.10650). None for no limit.
        axis_name: For a `step` that `jax.pmap` or `jax.shard_map` runs along an axis of this name, its state the same
            on all devices and its batch a share on each. Under `jax.jit`, with arrays placed on a mesh, it is not
            needed.
        num_parts: Parts of a batch (of a device's share) whose gradients are computed one after another and added up:
            the same step with less memory. Not for objectives that couple the examples of a batch.

    Returns:
        A `Trainer`. Metrics of a step are `value` (nats per example, higher is better), the objective's own, and
        `gradient_norm`.

    Raises:
        ValueError: If `skip_above` is not above zero; if the objective needs the whole batch and would get parts of
            it, or does not state whether it does and would get a share; when a step is traced, if the parts would
            differ in size, if a further result of the objective has no batch axis, or if `after` changes a shape; from
            `init`, if the optimizer cannot work (differentially private ones need the gradient of each example), or the
            point where its parameters are evaluated is not known.

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
    if isinstance(skip_above, int | float) and not skip_above > 0:
        raise ValueError(f"expected skip_above to be a norm > 0; got {skip_above}; leave it out for no limit")
    shares = Shares(axis_name, num_parts)
    optimizer = of_one_copy(optimizer)
    has_state = isinstance(objective, StatefulObjective)
    apply = shares.fitted(objective.apply if has_state else objective)

    def init(key: Key) -> TrainState:
        params_key, run_key = jax.random.split(typed(key))
        params = model.init(params_key)
        return first_state(
            run_key,
            params,
            first_opt_state(optimizer, params),
            with_average=average_decay is not None,
            objective_state=objective.init() if has_state else (),
        )

    @as_step
    def step(state: TrainState, batch: Any) -> tuple[TrainState, Metrics]:
        def values(params: Params, keys: Any, batch: Any) -> Values:
            remembered = (state.objective_state,) if has_state else ()
            return apply(keys, model.bind(params), batch, state.step, *remembered)

        keys = shares.keys(apply, jax.random.fold_in(state.key, state.step), batch)
        ascent = descent(values, state.params, keys, batch, shares)

        def update(state: TrainState) -> tuple[TrainState, Bool[Array, ""]]:
            params, opt_state, is_finite = updated(optimizer, ascent, state.opt_state, state.params)
            params = ended(model.after, params, ascent.seen)
            remembered = ended(objective.after, state.objective_state, ascent.seen) if has_state else ()
            average = averaged(point_to_evaluate(params, opt_state), state.average, average_decay)
            moved = state._replace(params=params, opt_state=opt_state, average=average, objective_state=remembered)
            return moved, is_finite

        is_good = ascent.is_finite
        if skip_above is not None:
            is_good &= ascent.metrics["gradient_norm"] <= skip_above
        return guarded_update(state, is_good, update), ascent.metrics

    return Trainer(init, step)
