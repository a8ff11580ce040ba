"""Samplers: how the fields of a trial are chosen."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.values.axes import Axis, Interval, points
from vae_jax.sweeps.values.space import distribution_of, stored, value_at

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial

PlaceOf = Callable[["FrozenTrial"], int]


def sampler_of(search: SearchConfig, axes: Mapping[str, Axis], place_of: PlaceOf) -> BaseSampler:
    """An Optuna sampler that depends only on the place of a trial and on what is known about other trials.

    Hence workers that share a study do not draw the same trial, and a study that goes on in a new process draws what
    the old process would have drawn.
    """
    makers = {"sobol": _Sobol, "grid": _Grid}
    maker = makers.get(search.sampler or "")
    sampler = maker(search, axes, place_of) if maker else _Seeded(search, axes, place_of)
    return sampler  # type: ignore[return-value]  # it is one by its methods; to inherit would import Optuna here


def grid_size(axes: Mapping[str, Axis]) -> int:
    """The number of points of a grid."""
    return math.prod(len(points(axis)) for axis in axes.values())


def grid_of(axes: Mapping[str, Axis], seed: int) -> list[dict[str, Any]]:
    """All points of a grid in random order, so that the first few do not lie in one corner."""
    grid = [dict(zip(axes, values, strict=True)) for values in itertools.product(*map(points, axes.values()))]
    return [grid[i] for i in np.random.default_rng(seed).permutation(len(grid))]


class _Seeded:
    """One of Optuna's samplers, made anew for each trial from (seed, place): else all workers would draw the same."""

    def __init__(self, search: SearchConfig, axes: Mapping[str, Axis], place_of: PlaceOf) -> None:
        self._search = search
        self._has_steps = any(
            isinstance(axis, Interval) and axis.is_integer and not axis.is_log for axis in axes.values()
        )
        self._place_of = place_of

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = int(np.random.SeedSequence([self._search.seed, self._place_of(trial)]).generate_state(1)[0])
        self._sampler = self._make(seed)
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        # A replacement has its fields from the start.
        return {} if trial.params else self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution) -> Any:
        return self._sampler.sample_independent(study, trial, name, distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: Any, values: Any) -> None:
        """Do nothing: the samplers used here learn from the trials themselves, not from this call."""

    def _make(self, seed: int) -> BaseSampler:
        from optuna.samplers import CmaEsSampler, RandomSampler, TPESampler

        match self._search.sampler:
            case "tpe":
                # Trials that are still running count as bad ones, so that lanes filled together do not crowd at one
                # point (constant liar). For several objectives the method is that of Ozaki et al. 2022
                # (doi:10.1613/jair.1.13188), which treats one axis at a time. `group` is for axes that only some trials
                # have; here all trials have all axes.
                return TPESampler(seed=seed, constant_liar=True, multivariate=len(self._search.objectives) == 1)
            case "cma-es":
                # A trial that was stopped early counts by its last value, or most of a generation would be missing.
                return CmaEsSampler(
                    seed=seed, with_margin=self._has_steps, consider_pruned_trials=self._search.stopping is not None
                )
            case _:
                return RandomSampler(seed=seed)


class _Points:
    """A sampler that derives all fields of a trial from its place."""

    def __init__(self, search: SearchConfig, axes: Mapping[str, Axis], place_of: PlaceOf) -> None:
        self._axes, self._place_of, self._seed = axes, place_of, search.seed

    def point(self, place: int) -> dict[str, Any]:
        raise NotImplementedError

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Do nothing: there is nothing to prepare."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {name: distribution_of(axis) for name, axis in self._axes.items()}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        point = self.point(self._place_of(trial))
        return {name: stored(axis, point[name]) for name, axis in self._axes.items()}

    def sample_independent(self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution) -> Any:
        return self.sample_relative(study, trial, {})[name]

    def after_trial(self, study: Study, trial: FrozenTrial, state: Any, values: Any) -> None:
        """Do nothing: there is nothing to learn."""


class _Sobol(_Points):
    """Owen's scrambled Sobol sequence: every prefix is spread more evenly than random points, best for powers of 2.

    Optuna's own sampler draws its first point at random, and two workers can take the same point.

    Source: Sobol 1967; Owen 1998, doi:10.1006/jcom.1998.0487.
    """

    def point(self, place: int) -> dict[str, Any]:
        from scipy.stats import qmc

        # The argument is named `seed` up to SciPy 1.14; newer versions take that name, too.
        sequence = qmc.Sobol(len(self._axes), scramble=True, seed=self._seed)  # type: ignore[call-arg]
        if place > 0:
            sequence.fast_forward(place)
        shares = zip(self._axes, sequence.random(1)[0].tolist(), strict=True)
        return {name: value_at(self._axes[name], share) for name, share in shares}


class _Grid(_Points):
    """A sampler that takes every point of the grid once."""

    def __init__(self, search: SearchConfig, axes: Mapping[str, Axis], place_of: PlaceOf) -> None:
        super().__init__(search, axes, place_of)
        self._grid = grid_of(axes, search.seed)

    def point(self, place: int) -> dict[str, Any]:
        return self._grid[place]
