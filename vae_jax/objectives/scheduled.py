"""Hyper-parameters that follow the training step."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any

from jaxtyping import Scalar

from vae_jax.messages import did_you_mean
from vae_jax.types import BatchObjective


def scheduled(objective: BatchObjective, **schedules: Callable[[Scalar | int], float | Scalar]) -> BatchObjective:
    """An objective of a whole batch whose hyper-parameters follow schedules; `over_batch` is for one example's.

    Args:
        objective: A function whose last positional argument is the training step: `(key, vae, batch, step, *, ...)`,
            or one player of two, `(key, vae, discriminator, batch, step, *, ...)`.
        **schedules: For any of its float options, a function of the training step, such as an optax schedule.

    Returns:
        A function of the same positional arguments.

    Raises:
        TypeError: If a schedule names no option of the objective, or is not a function.

    Example:
        >>> from functools import partial
        >>> from vae_jax.objectives import beta_tcvae
        >>> warm_up = scheduled(partial(beta_tcvae, num_examples=4_000), beta=lambda step: 6.0 * step / (step + 100))
        >>> scheduled(beta_tcvae, betta=lambda step: step)
        Traceback (most recent call last):
        TypeError: expected schedules for options of beta_tcvae (num_examples, alpha, beta, gamma, aggregate);
        got 'betta'; did you mean 'beta'?
    """
    check_schedules(objective, schedules)

    @functools.wraps(objective)  # with its signature, and what it states
    def batch_objective(*arguments: Any, **options: Any) -> Any:
        *_, step = arguments
        return objective(*arguments, **{name: schedule(step) for name, schedule in schedules.items()}, **options)

    return batch_objective


def check_schedules(objective: Callable[..., Any], schedules: dict[str, Any]) -> None:
    """Refuse whatever is not a schedule of this objective, when it is built and not when it runs.

    Raises:
        TypeError: If a schedule names no keyword-only option of the objective, or is not a function, or the objective
            is a partial with an option that its function does not have.
    """
    parameters = _parameters(objective)
    options = [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
    options = [name for name in options if name != "axis_name"]
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    for name, schedule in schedules.items():
        if name not in options and not takes_any:
            of = getattr(objective, "__name__", "the objective")
            raise TypeError(
                f"expected schedules for options of {of} ({', '.join(options)}); "
                f"got '{name}'{did_you_mean(name, options)}"
            )
        if not callable(schedule):
            raise TypeError(
                f"expected a function of the step for '{name}'; got {schedule!r}; "
                f"for a constant use functools.partial(objective, {name}={schedule!r})"
            )


def _parameters(objective: Callable[..., Any]) -> Collection[inspect.Parameter]:
    try:
        return inspect.signature(objective).parameters.values()
    except ValueError as error:
        if not isinstance(objective, functools.partial):
            raise
        # Python says of a partial only that its arguments are incorrect, and which one to the debugger.
        raise TypeError(f"{getattr(objective.func, '__name__', 'objective')}() {error.__cause__}") from error
