"""Where a sweep's trials come from: a grid, or a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from vae_jax.sweeps.study import Outcome, Study
from vae_jax.sweeps.trial import Trial


class Source(Protocol):
    """Who says what is trained next. Workers ask under the lock of the sweep."""

    num_trials: int
    """In all."""
    is_shared_beyond_files: bool
    """Whether workers that do not see this directory may have trials, too."""

    def num_in_group(self, is_wanted: Callable[[Trial], bool]) -> int:
        """How many lanes of a group there may be, at most."""
        ...

    def claim(self, num: int, is_wanted: Callable[[Trial], bool], taken: set[int]) -> list[Trial]:
        """At most `num` more trials; a search cannot choose, and may give others than are wanted.

        Args:
            num: How many.
            is_wanted: Whether a trial is of the group that there is room in.
            taken: The numbers of those that some stack has.
        """
        ...

    def report(self, number: int, step: int, value: float) -> bool:
        """A validation of a trial; True to stop it."""
        ...

    def finish(self, number: int, values: Sequence[float] | None, outcome: Outcome) -> None:
        """A trial has ended."""
        ...

    def running(self) -> list[Trial]:
        """Trials that were claimed and have not ended, as far as the source keeps that."""
        ...

    def give_back(self, number: int) -> None:
        """Whoever claimed a trial is gone."""
        ...


class Grid:
    """Trials that are known from the start."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials
        self.num_trials = len(trials)
        self.is_shared_beyond_files = False

    def claim(self, num: int, is_wanted: Callable[[Trial], bool], taken: set[int]) -> list[Trial]:
        """The next wanted ones that nobody has taken."""
        free = (trial for trial in self._trials if trial.number not in taken and is_wanted(trial))
        return [trial for trial, _ in zip(free, range(num), strict=False)]

    def num_in_group(self, is_wanted: Callable[[Trial], bool]) -> int:
        """As many as there are."""
        return sum(map(is_wanted, self._trials))

    def report(self, number: int, step: int, value: float) -> bool:
        """None of them is stopped."""
        return False

    def finish(self, number: int, values: Sequence[float] | None, outcome: Outcome) -> None:
        """Nothing depends on it."""

    def running(self) -> list[Trial]:
        """The lanes' own files tell that."""
        return []

    def give_back(self, number: int) -> None:
        """Stacks tell that."""


class Search:
    """Trials that a study chooses, by how others went.

    Args:
        study: Which.
        num_trials: In all.
        is_shared_beyond_files: Whether it is kept in a database.
    """

    def __init__(self, study: Study, num_trials: int, *, is_shared_beyond_files: bool) -> None:
        self.study = study
        self.is_shared_beyond_files = is_shared_beyond_files
        self.num_trials = num_trials
        self.report, self.finish = study.report, study.finish
        self.running, self.give_back = study.running, study.give_back

    def num_in_group(self, is_wanted: Callable[[Trial], bool]) -> int:
        """All may be alike."""
        return self.num_trials

    def claim(self, num: int, is_wanted: Callable[[Trial], bool], taken: set[int]) -> list[Trial]:
        """The next ones, of whatever group."""
        asked = (self.study.ask() for _ in range(num))
        return [trial for trial in asked if trial is not None]
