"""The common parts of every trainer's step: a gradient with its metrics, an update if all is finite, and its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Scalar

from vae_jax.axis import everywhere, mean_over, num_examples, varying
from vae_jax.parallel.explicit import spread_by_the_compiler
from vae_jax.training.optimizers import extra_arguments, finite_part
from vae_jax.training.shares import Shares
from vae_jax.training.state import TrainState
from vae_jax.types import Metrics, Params, Values
from vae_jax.untrained import trained_part, with_trained_part


class Descent(NamedTuple):
    """A descent direction for an optimizer, for values that are to rise."""

    gradient: Params
    """Gradient of minus the mean value, in the trained part of the parameters."""
    metrics: Metrics
    """Means over the batch, with `value` (nats per example, higher is better) and `gradient_norm` among them."""
    seen: dict[str, Any]
    """Further results of the objective beside values and metrics, for the whole batch, by name."""
    is_finite: Bool[Array, ""]
    """Whether value and gradient are finite."""
    value_fn: Callable[[Params], Scalar]
    """The trained part -> minus the mean value, on the same batch and with the same noise: for line searches."""


def descent(
    objective: Callable[[Params, Any, Any], Values],
    params: Params,
    keys: Any,
    batch: Any,
    shares: Shares,
) -> Descent:
    """The gradient of minus the mean over the batch, at these parameters. The sign is turned round here only.

    Args:
        objective: From parameters, keys and a batch to a value and metrics of each example, and perhaps further
            results for it.
        params: The parameters.
        keys: Keys as `Shares.keys` returns them.
        batch: The share of this device.
        shares: The division of the batch.

    Raises:
        ValueError: If a result of the objective beside values and metrics has no leading batch axis.
    """

    def loss(trained: Params, keys: Any, batch: Any) -> tuple[Scalar, tuple[Metrics, Any]]:
        values, metrics, *seen = objective(with_trained_part(params, trained), keys, batch)
        metrics = jax.tree.map(lambda metric: jnp.mean(metric, axis=0), metrics | {"value": values})
        return -metrics["value"], (metrics, _of_each_example(seen[0] if seen else {}, batch))

    def gradient_at(trained: Params) -> tuple[Params, Metrics, Any]:
        trained = varying(trained, shares.axis_name)

        def gradient_of_part(keys: Any, batch: Any) -> tuple[tuple[Params, Metrics], Any]:
            gradient, (metrics, seen) = jax.grad(loss, has_aux=True)(trained, keys, batch)
            return (gradient, metrics), seen

        means, seen = shares.over_parts(gradient_of_part, keys, batch)
        return *mean_over(means, shares.axis_name), seen

    # The gradient of a mean over devices is theirs to take, in the one way that is right under every runner.
    @jax.custom_vjp
    def value_fn(trained: Params) -> Scalar:
        value_of_part = lambda keys, batch: (loss(trained, keys, batch)[0], None)
        return mean_over(shares.over_parts(value_of_part, keys, batch)[0], shares.axis_name)

    def value_and_gradient(trained: Params) -> tuple[Scalar, Params]:
        gradient, metrics, _ = gradient_at(trained)
        return -metrics["value"], gradient

    value_fn.defvjp(value_and_gradient, lambda gradient, scale: (optax.tree.scale(scale, gradient),))

    gradient, metrics, seen = gradient_at(trained_part(params))
    seen = everywhere(seen, shares.axis_name)
    gradient_norm = optax.tree.norm(gradient)
    is_finite = jnp.isfinite(metrics["value"]) & jnp.isfinite(gradient_norm)
    return Descent(gradient, metrics | {"gradient_norm": gradient_norm}, seen, is_finite, value_fn)


def as_step(step: Callable[[TrainState, Any], tuple[TrainState, Metrics]]) -> Callable[..., Any]:
    """The step as programs take it, whatever mesh their arrays lie on.

    Jitted inline: the programs are what they would be without, and those that call it in the same way share its trace.
    """
    return jax.jit(spread_by_the_compiler(step), inline=True)


def updated(
    optimizer: optax.GradientTransformation, descent: Descent, opt_state: Any, params: Params
) -> tuple[Params, Any, Bool[Array, ""]]:
    """Parameters and the optimizer's state after a step down, and whether the update was finite.

    An entry whose update is not finite (by a learning rate of 1/√0, by 0/0 where there is no ε) stays where it is.
    Only the first entry of the smallest array decides whether the update is finite: a factor that is not finite meets
    all entries, and to reduce all updates would take a twentieth of a small model's step.
    """
    extra = extra_arguments(
        optimizer,
        opt_state,
        value=-descent.metrics["value"],
        gradient=descent.gradient,
        value_fn=lambda params: descent.value_fn(params),  # a plain function: its signature is inspected
    )
    trained = trained_part(params)
    updates, opt_state = optimizer.update(descent.gradient, opt_state, trained, **extra)
    moved = optax.apply_updates(trained, finite_part(updates))
    smallest = min(jax.tree.leaves(updates), key=lambda update: update.size or math.inf, default=jnp.zeros(()))
    return with_trained_part(params, moved), opt_state, jnp.isfinite(smallest[(slice(1),) * smallest.ndim]).all()


def ended(after: Callable[[Any, Any], Any] | None, tree: Any, seen: Any) -> Any:
    """The parameters, or the state of an objective, at the end of a step, moved by the rule that they have.

    Args:
        after: `Model.after`, or that of a `StatefulObjective`; None for no rule.
        tree: The parameters or the state after the optimizer.
        seen: The further results for the whole batch.

    Raises:
        ValueError: If the rule changes a structure, a shape or a type.
    """
    if after is None:
        return tree
    moved = after(tree, seen)
    wanted, got = jax.eval_shape(lambda: tree), jax.eval_shape(lambda: moved)
    if jax.tree.structure(wanted) != jax.tree.structure(got):
        raise ValueError(
            "expected `after` to give what it is given, moved; got another structure: "
            f"{jax.tree.structure(got)} in place of {jax.tree.structure(wanted)}"
        )
    for path, leaf, other in changed_arrays(wanted, got):
        raise ValueError(
            f"expected `after` to keep shapes and types; got {other.dtype}{list(other.shape)} in place of "
            f"{leaf.dtype}{list(leaf.shape)} at {path or 'the root'}"
        )
    return moved


def changed_arrays(before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The arrays of two trees of one structure that differ in shape or type: path, before, after."""
    for (path, leaf), other in zip(jax.tree.leaves_with_path(before), jax.tree.leaves(after), strict=True):
        if (leaf.shape, leaf.dtype) != (other.shape, other.dtype):
            yield jax.tree_util.keystr(path), leaf, other


def averaged(params: Params, average: Params | None, decay: float | Scalar | None) -> Params | None:
    """The moving average with these parameters taken in, None without one; of whole numbers it keeps the newest."""
    if decay is None:
        return None
    moved = optax.incremental_update(params, average, 1 - decay)  # pyright: ignore[reportArgumentType]
    return jax.tree.map(lambda new, move: move if jnp.issubdtype(new.dtype, jnp.inexact) else new, params, moved)


def guarded_update(
    state: TrainState, is_good: Bool[Array, ""], update: Callable[[TrainState], tuple[TrainState, Bool[Array, ""]]]
) -> TrainState:
    """The state after a step: updated by `update`, or the old state but for the counters.

    Args:
        state: Before the step.
        is_good: Whether to update it.
        update: The function that changes `params`, `opt_state`, `average` and `objective_state` in a good step; it also
            returns whether the change was finite.
    """
    # A branch, not a choice array by array: a choice needs the old arrays beside the new ones, so XLA would copy the
    # optimizer's state at every step (a tenth of the time of a small MLP's step on a CPU).
    state, is_good = jax.lax.cond(is_good, update, lambda state: (state, is_good), state)
    skipped = 1 - is_good.astype(jnp.int32)
    return state._replace(
        step=state.step + 1,
        num_skipped=state.num_skipped + skipped,
        num_skipped_in_a_row=(state.num_skipped_in_a_row + skipped) * skipped,
    )


def _of_each_example(seen: Any, batch: Any) -> Any:
    num = num_examples(batch)
    for path, leaf in jax.tree.leaves_with_path(seen):
        if jnp.shape(leaf)[:1] != (num,):
            raise ValueError(
                f"expected what an objective gives beside values and metrics to have a leading axis of the {num} "
                f"examples; got shape {jnp.shape(leaf)} at {jax.tree_util.keystr(path) or 'the root'}; "
                "leave the sum over them to `after`"
            )
    return seen
