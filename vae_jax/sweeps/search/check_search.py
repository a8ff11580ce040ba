"""Checks of a search: that it is possible, and that it is the one that a study was begun with."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from vae_jax.extras import not_installed
from vae_jax.messages import UsageError
from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search.samplers import grid_size
from vae_jax.sweeps.values.axes import Axis, Interval, Values
from vae_jax.sweeps.values.space import in_words


def check_optuna(search: SearchConfig) -> None:
    """Check that the packages that the search needs are installed.

    Raises:
        UsageError: If a package is missing.
    """
    needed = ["optuna", "cmaes"] if search.sampler == "cma-es" else ["optuna"]
    for package in needed:
        if importlib.util.find_spec(package) is None:
            raise UsageError(not_installed(package))


def check_search(axes: Mapping[str, Axis], search: SearchConfig, *, min_steps: int, max_steps: int) -> None:
    """Check that the search is possible.

    Raises:
        UsageError: If it is not.
    """
    if search.sampler is None:
        raise UsageError("expected a sampler for a search; got none; choose tpe, cma-es, random, sobol or grid")
    if not axes:
        raise UsageError("expected fields to search over; got none; give some as --beta 1 2 4 or an interval")
    if search.seed < 0:
        raise UsageError(f"expected a sampler's seed of 0 or more; got {search.seed}; give another")
    if not search.objectives:
        raise UsageError("expected an objective to search by; got none; name a metric such as value")
    if search.trials is None and search.sampler != "grid":
        raise UsageError(
            f"expected a number of trials; got none; only a grid has an end without one, not {search.sampler}"
        )
    if search.trials is not None and search.trials < 1:
        raise UsageError(f"expected a number of trials of 1 or more; got {search.trials}; give another")
    if search.sampler == "cma-es":
        _check_cma_es(axes, search)
    if search.sampler == "grid":
        _check_grid(axes)
    if search.stopping is not None:
        _check_stopping(search, min_steps, max_steps)


def _check_cma_es(axes: Mapping[str, Axis], search: SearchConfig) -> None:
    for name, axis in axes.items():
        if isinstance(axis, Values):
            raise UsageError(
                f"expected intervals for cma-es; '{name}' has single values ({in_words(axis)}); "
                "give an interval, or the sampler tpe"
            )
    if len(search.objectives) > 1:
        raise UsageError(
            f"expected one objective for cma-es; got {', '.join(search.objectives)}; name one, or give the sampler tpe"
        )


def _check_grid(axes: Mapping[str, Axis]) -> None:
    for name, axis in axes.items():
        if isinstance(axis, Interval) and axis.num is None:
            raise UsageError(
                f"expected single values or a number of points for a grid; '{name}' is all of {in_words(axis)}; "
                "say how many points, or give another sampler"
            )


def _check_stopping(search: SearchConfig, min_steps: int, max_steps: int) -> None:
    if len(search.objectives) > 1:
        raise UsageError(
            f"expected one objective for {search.stopping}, which must know the better of two; got "
            f"{', '.join(search.objectives)}; name one, or stop none early"
        )
    if min_steps >= max_steps:
        raise UsageError(
            f"expected validations before the end for {search.stopping}; the first is after {min_steps} of {max_steps} "
            "steps; validate more often, or stop none early"
        )


def num_trials(axes: Mapping[str, Axis], search: SearchConfig) -> int:
    """The number of all trials of a search."""
    sizes = [
        size for size in (search.trials, grid_size(axes) if search.sampler == "grid" else None) if size is not None
    ]
    return min(sizes)


def description_of(axes: Mapping[str, Axis], search: SearchConfig, *, min_steps: int, max_steps: int) -> dict[str, str]:
    """The settings that all workers of a study must agree on, in words."""
    return {f"'{name}'": in_words(axis) for name, axis in axes.items()} | {
        "the sampler": str(search.sampler),
        "its seed": str(search.seed),
        "the number of trials": str(num_trials(axes, search)),
        "the early stopping": str(search.stopping).lower(),
        "the objective": ", ".join(search.objectives),
        "the step of the first validation": str(min_steps),
        "the number of steps": str(max_steps),
    }


def check_same(ours: Mapping[str, str], theirs: Mapping[str, str], where: str) -> None:
    """Check that a study is the one that is asked for.

    Raises:
        UsageError: If it is not; the message names the first difference.
    """
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            raise UsageError(
                f"expected the search that {where} was begun with; {name} is {ours.get(name, 'not searched')} here and "
                f"{theirs.get(name, 'not searched')} there; give the same, or another --run-dir"
            )
