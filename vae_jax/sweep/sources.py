"""Where a sweep's trials come from: a grid, or a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from vae_jax.sweep.study import Outcome
from vae_jax.sweep.trial import Trial


class Source(Protocol):
    """Who says what is trained next. Workers ask under the lock of the sweep."""

    num_trials: int
    """In all."""

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

    def claim(self, num: int, is_wanted: Callable[[Trial], bool], taken: set[int]) -> list[Trial]:
        """The next wanted ones that nobody has taken."""
        free = (trial for trial in self._trials if trial.number not in taken and is_wanted(trial))
        return [trial for trial, _ in zip(free, range(num), strict=False)]

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
