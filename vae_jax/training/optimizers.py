"""Arguments of optax's optimizers beside a gradient, and the point at which their parameters are evaluated."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Scalar

from vae_jax.types import Params
from vae_jax.untrained import trained_part, with_trained_part


class Lookahead(NamedTuple):
    """The state of `optax.lookahead`: the parameters of a run are its fast copy."""

    optimizer: Any
    """The state that optax knows."""
    slow: Params
    """The slow copy, which is the one to evaluate."""


class _Apart(NamedTuple):
    name: str
    copy: str
    """The field of the state with the copy of the parameters that it keeps."""


# The optimizers, by their states, whose parameters are evaluated at another point than that of the gradient.
_APART = {
    Lookahead: _Apart("lookahead", "slow"),
    optax.contrib.SAMState: _Apart("sam", "cache"),
    optax.contrib.ScheduleFreeState: _Apart("schedule_free", "z"),
}


def finite_part(updates: Params) -> Params:
    """The updates, with zeros for the entries that are not finite."""
    return jax.tree.map(lambda update: jnp.where(jnp.isfinite(update), update, jnp.zeros_like(update)), updates)


def of_one_copy(optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
    """An optimizer of one copy of the parameters: `optax.lookahead`, which moves a pair, keeps the slow one itself."""
    # Found by its name: it logs a warning where it begins with one copy, and its states come too late to avoid that.
    if not getattr(optimizer.init, "__qualname__", "").startswith("lookahead."):
        return optimizer

    def init(params: Params) -> Lookahead:
        return Lookahead(optimizer.init(optax.LookaheadParams(fast=params, slow=params)), params)

    def update(gradient: Params, state: Lookahead, params: Params) -> tuple[Params, Lookahead]:
        pair = optax.LookaheadParams(fast=params, slow=state.slow)
        updates, inner = optimizer.update(gradient, state.optimizer, pair)
        fast, slow = cast(optax.LookaheadParams, updates)
        return fast, Lookahead(inner, optax.apply_updates(state.slow, finite_part(slow)))

    return optax.GradientTransformation(init, update)  # pyright: ignore[reportArgumentType]


def first_opt_state(optimizer: optax.GradientTransformation, params: Params) -> Any:
    """The state of an optimizer that has done nothing yet.

    Raises:
        ValueError: If the optimizer cannot work with the mean gradient of a batch, or its parameters to evaluate are
            not known.
    """
    params = trained_part(params)
    opt_state = optimizer.init(params)
    _check(params, opt_state)
    # No array stands twice in a `TrainState`, and some optimizers keep the parameters: a step overwrites them all.
    seen = {id(leaf) for leaf in jax.tree.leaves(params)}

    def own(leaf: Any) -> Any:
        if id(leaf) in seen:
            return jnp.copy(leaf)
        seen.add(id(leaf))
        return leaf

    return jax.tree.map(own, opt_state)


def extra_arguments(
    optimizer: optax.GradientTransformation,
    opt_state: Any,
    *,
    value: Scalar,
    gradient: Params,
    value_fn: Callable[[Params], Scalar],
) -> dict[str, Any]:
    """Arguments of an optimizer's update beside gradient, state and parameters; empty for most.

    Args:
        optimizer: The optimizer; line searches and schedules by the value ask for arguments anywhere in a chain.
        opt_state: The optimizer's state.
        value: The value that it minimises, at these parameters.
        gradient: Its gradient there.
        value_fn: Parameters -> value, on the same batch and with the same noise.
    """
    offered = {"value": value, "grad": gradient, "value_fn": value_fn}
    if any(isinstance(state, optax.contrib.SAMState) for state in _states(opt_state)):
        offered = {"grad_fn": lambda params, _: jax.grad(value_fn)(params)}  # it refuses all others
    elif any(isinstance(state, optax.contrib.HutchinsonState) for state in _states(opt_state)):
        offered["obj_fn"] = value_fn
    parameters = inspect.signature(optimizer.update).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return {name: argument for name, argument in offered.items() if takes_any or name in parameters}


def point_to_evaluate(params: Params, opt_state: Any) -> Params:
    """The parameters that an optimizer means to be evaluated: for most, those that it moves.

    Exceptions: the slow copy of lookahead, the average of schedule-free, the point of SAM from which it looks around.

    Source: Zhang et al. 2019, arXiv:1907.08610; Defazio et al. 2024, arXiv:2405.15682; Foret et al. 2021,
    arXiv:2010.01412.
    """
    return with_trained_part(params, _evaluated(trained_part(params), opt_state))


def _evaluated(params: Params, opt_state: Any) -> Params:
    for state in _states(opt_state):
        if isinstance(state, Lookahead):
            return state.slow
        if isinstance(state, optax.contrib.ScheduleFreeState):
            return optax.contrib.schedule_free_eval_params(state, params)
        if isinstance(state, optax.contrib.SAMState) and state.cache is not None:
            return jax.tree.map(partial(jnp.where, state.steps_since_sync == 0), params, state.cache)
    return params


def _check(params: Params, opt_state: Any) -> None:
    states = list(_states(opt_state))
    apart = {_APART[type(state)]: state for state in states if type(state) in _APART}
    names = [name for name, _ in apart]
    if any(isinstance(state, optax.contrib.DifferentiallyPrivateAggregateState) for state in states):
        raise ValueError(
            "expected an optimizer of the mean gradient of a batch; got differentially_private_aggregate, which needs "
            "the gradient of each example; write a step of your own for it"
        )
    if any(isinstance(state, optax.LookaheadState) for state in states) and "lookahead" not in names:
        raise ValueError(
            "expected lookahead around all other transformations; got it inside one; "
            "write optax.lookahead(optax.chain(...), ...)"
        )
    if len(apart) > 1:
        raise ValueError(
            f"expected at most one optimizer whose parameters are evaluated apart; got {' and '.join(names)}; "
            "take one of them"
        )
    for (name, field), state in apart.items():
        copy = getattr(state, field)
        if copy is not None and _shapes(copy) != _shapes(params):
            raise ValueError(
                f"expected {name} of all parameters, which it says where to evaluate; got it of a part, or of their "
                "flat form; wrap it around the whole optimizer"
            )


def _shapes(tree: Any) -> Any:
    return jax.tree.structure(tree), [leaf.shape for leaf in jax.tree.leaves(tree)]


def _states(opt_state: Any) -> Iterator[Any]:
    """The named states within an optimizer's state, outer ones first."""
    if isinstance(opt_state, tuple) and hasattr(opt_state, "_fields"):
        yield opt_state
    children = opt_state.values() if isinstance(opt_state, dict) else opt_state
    if isinstance(children, list | tuple) or isinstance(opt_state, dict):
        for child in children:
            yield from _states(child)
