"""Sources of a sweep's trials: a grid, or a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from vae_jax.sweeps.search.study import Outcome, Study
from vae_jax.sweeps.values.trial import Trial


class Source(Protocol):
    """A source of trials. Workers claim the next ones under the lock of the sweep."""

    num_trials: int
    """Number of all trials."""
    is_shared_beyond_files: bool
    """Whether workers that do not see this directory can claim trials, too."""

    def num_in_group(self, is_wanted: Callable[[Trial], bool]) -> int:
        """The maximum number of lanes of a group."""
        ...

    def claim(self, num: int, is_wanted: Callable[[Trial], bool], taken: set[int]) -> list[Trial]:
        """Claim at most `num` more trials; a search cannot choose, and may return trials of other groups.

        Args:
            num: Number of trials.
            is_wanted: Whether a trial is of the group that has room.
            taken: The numbers of the trials that some stack has.
        """
        ...

    def report(self, number: int, step: int, value: float) -> bool:
        """Report a validation of a trial; return True to stop it."""
        ...

    def finish(self, number: int, values: Sequence[float] | None, outcome: Outcome) -> None:
        """Note that a trial has ended."""
        ...

    def running(self) -> list[Trial]:
        """The trials that were claimed and have not ended, as far as the source keeps that."""
        ...

    def give_back(self, number: int) -> None:
        """Free a trial whose worker is gone."""
        ...


class Grid:
    """Trials that are known from the start."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials
        self.num_trials = len(trials)
        self.is_shared_beyond_files = False

    def claim(self, num: int, is_wanted: Callable[[Trial], bool], taken: set[int]) -> list[Trial]:
        """Claim the next wanted trials that nobody has taken."""
        free = (trial for trial in self._trials if trial.number not in taken and is_wanted(trial))
        return [trial for trial, _ in zip(free, range(num), strict=False)]

    def num_in_group(self, is_wanted: Callable[[Trial], bool]) -> int:
        """The number of lanes in the group."""
        return sum(map(is_wanted, self._trials))

    def report(self, number: int, step: int, value: float) -> bool:
        """Return False: no trial of a grid is stopped."""
        return False

    def finish(self, number: int, values: Sequence[float] | None, outcome: Outcome) -> None:
        """Do nothing: a grid does not depend on the outcome."""

    def running(self) -> list[Trial]:
        """Return no trials: the lanes' own files tell which ones are running."""
        return []

    def give_back(self, number: int) -> None:
        """Do nothing: the stacks show which trials are free."""


class Search:
    """Trials that a study chooses by the results of earlier ones.

    Args:
        study: The study.
        num_trials: Number of all trials.
        is_shared_beyond_files: Whether the study is kept in a database.
    """

    def __init__(self, study: Study, num_trials: int, *, is_shared_beyond_files: bool) -> None:
        self.study = study
        self.is_shared_beyond_files = is_shared_beyond_files
        self.num_trials = num_trials
        self.report, self.finish = study.report, study.finish
        self.running, self.give_back = study.running, study.give_back

    def num_in_group(self, is_wanted: Callable[[Trial], bool]) -> int:
        """The number of all trials: all may be of one group."""
        return self.num_trials

    def claim(self, num: int, is_wanted: Callable[[Trial], bool], taken: set[int]) -> list[Trial]:
        """Claim the next trials, of whatever group."""
        asked = (self.study.ask() for _ in range(num))
        return [trial for trial in asked if trial is not None]
