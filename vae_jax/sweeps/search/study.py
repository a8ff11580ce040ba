"""A search over a sweep's axes: its trials are asked for, reported on, and finished; Optuna chooses and keeps them."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vae_jax.messages import RunError
from vae_jax.ranking import LOWER_IS_BETTER
from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search import storage
from vae_jax.sweeps.search.check_search import check_optuna, check_same, check_search, description_of, num_trials
from vae_jax.sweeps.search.places import REPLACES, places_of, replacement_of, to_replace
from vae_jax.sweeps.search.samplers import sampler_of
from vae_jax.sweeps.search.stopping import pruner_of
from vae_jax.sweeps.values.axes import Axis
from vae_jax.sweeps.values.space import distribution_of, value_of
from vae_jax.sweeps.values.trial import Trial

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

SEARCH = "search"
"""The user attribute of a study with the description of its search."""
WORKER = "worker"
"""The user attribute of a trial with the worker that has asked for it: it is noted last in an ask."""
STOPPED = "stopped_after"
"""The user attribute of a trial with the step after which it was to be stopped; a later report is answered alike."""

Outcome = Literal["finished", "stopped", "diverged"]


class Study:
    """The study that all workers of a search share. Each worker makes it with the same arguments, in any order.

    Each call is stored before it returns, so that a worker may be killed at any instant: its trial counts as running
    until someone gives it back. Trials that were stopped or have diverged have Optuna's state PRUNED, and those that
    were given back FAIL.
    """

    def __init__(
        self, directory: Path, axes: Mapping[str, Axis], search: SearchConfig, *, min_steps: int, max_steps: int
    ) -> None:
        """Join the study of a sweep, or begin it.

        Args:
            directory: The sweep's directory. Its name is the name of the study, in a database, too.
            axes: Dotted field -> the axis that it is searched over.
            search: How trials are chosen, how many, and by which objectives.
            min_steps: The training steps after which the first value is reported; others come after multiples of it.
            max_steps: The training steps of a trial that is not stopped.

        Raises:
            UsageError: If Optuna is missing, the search is not possible, its storage cannot be reached, or the study
                was begun with another search.
        """
        check_optuna(search)
        # Places in a grid or a sequence must not depend on the order in which a worker was given the fields.
        axes = dict(sorted(axes.items()))
        check_search(axes, search, min_steps=min_steps, max_steps=max_steps)
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._axes = axes
        self._max_steps = max_steps
        self._is_stopping = search.stopping is not None
        self._num_places = num_trials(axes, search)
        self._distributions = {name: distribution_of(axis) for name, axis in axes.items()}
        with storage.opening(directory, search.storage) as self._storage:
            self._study = optuna.create_study(
                storage=self._storage.backend,
                study_name=directory.resolve().name,
                load_if_exists=True,
                directions=["minimize" if name in LOWER_IS_BETTER else "maximize" for name in search.objectives],
                sampler=sampler_of(search, axes, lambda trial: self._places().get(trial.number, 0)),
                pruner=pruner_of(search.stopping, min_steps=min_steps, max_steps=max_steps),
            )
            description = description_of(axes, search, min_steps=min_steps, max_steps=max_steps)
            if SEARCH not in self._study.user_attrs:
                self._study.set_metric_names(list(search.objectives))
                self._study.set_user_attr(SEARCH, description)
            check_same(description, self._study.user_attrs[SEARCH], self._storage.name)

    def ask(self) -> Trial | None:
        """The next trial to be trained, by this worker and no other: one that was given back, or a new one.

        Returns:
            The trial; None if all have been asked for, by this worker or others.
        """
        with self._a_call():
            self._give_back_what_nobody_has()
            while self._is_something_left():
                trial = self._ask_for_one()
                if trial is not None:
                    return trial
            return None

    def report(self, number: int, step: int, value: float) -> bool:
        """Note the value of a validation on the way.

        Args:
            number: Number of the trial.
            step: Number of training steps that it has made.
            value: Value of the objective, which is not kept if there are several objectives. Infinity and NaN count as
                the worst value.

        Returns:
            Whether the trial is to be stopped, since others are better (never at its end) or it is no longer this
            worker's.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        with self._a_call():
            trial_id, trial = self._trial(number)
            if trial.state.is_finished() or STOPPED in trial.user_attrs:
                return True
            if self._storage.heart:
                self._storage.heart.beat_for(trial_id)
            if len(self._study.directions) > 1:
                return False
            try:
                kept = value if math.isfinite(value) else self._worst
                self._storage.backend.set_trial_intermediate_value(trial_id, step, kept)
                if not self._is_stopping or step >= self._max_steps:
                    return False
                is_to_stop = not math.isfinite(value) or self._study.pruner.prune(self._study, self._trial(number)[1])
                if is_to_stop:
                    self._storage.backend.set_trial_user_attr(trial_id, STOPPED, step)
                return is_to_stop
            except UpdateFinishedTrialError:
                return True

    def finish(self, number: int, values: Sequence[float] | None, outcome: Outcome) -> None:
        """End a trial. One that has already ended stays as it is: its worker was killed before it could note the end.

        Args:
            number: Number of the trial.
            values: Values of the objectives; needed for finished trials. A stopped one has the last value it reported.
            outcome: How the trial ended. A finished one with an infinite value or NaN counts as diverged.
        """
        is_finished = outcome == "finished" and values is not None and all(map(math.isfinite, values))
        with self._a_call():
            trial_id, trial = self._trial(number)
            if is_finished:
                self._end(number, "COMPLETE", values)
            else:
                if outcome != "stopped" and len(self._study.directions) == 1 and not trial.state.is_finished():
                    # Its values from before it diverged must not count for it.
                    last_step = max(trial.intermediate_values, default=0)
                    self._storage.backend.set_trial_intermediate_value(trial_id, last_step + 1, self._worst)
                self._end(number, "PRUNED")
            if self._storage.heart:
                self._storage.heart.end_for(trial_id)

    def running(self) -> list[Trial]:
        """The trials that were asked for, by any worker, and have not ended."""
        with self._a_call():
            self._give_back_what_nobody_has()
            places = self._places()
            return [
                self._as_trial(trial)
                for trial in self._trials()
                if trial.number in places and trial.state.name == "RUNNING" and WORKER in trial.user_attrs
            ]

    def give_back(self, number: int) -> None:
        """Give back a trial whose worker is gone: its fields are asked for again, as a trial of another number."""
        with self._a_call():
            self._end(number, "FAIL")

    def best(self) -> list[int]:
        """The number of the best finished trial, or the Pareto front; empty as long as no trial is finished.

        With several objectives, the front holds the numbers of all trials that no other beats in every objective.
        """
        with self._a_call():
            finished = [trial for trial in self._trials() if trial.state.name == "COMPLETE"]
            if not finished or len(self._study.directions) > 1:
                return [trial.number for trial in self._study.best_trials]
            return [self._study.best_trial.number]

    def close(self) -> None:
        """Leave the study: a database gets no more heartbeats for the trials of this process."""
        if self._storage.heart:
            self._storage.heart.stop()

    @contextmanager
    def _a_call(self) -> Iterator[None]:
        """Hold the storage's lock, silence Optuna's warnings, and raise failures of the storage as one line."""
        message = f"the study in {self._storage.name} cannot be reached any more: {{}}; what was finished is kept; "
        with (
            storage.told_in_one_line(message + "give the same command again to go on", RunError),
            self._storage.turn or nullcontext(),
        ):
            yield

    def _is_something_left(self) -> bool:
        """Queue replacements of trials that were given back; tell whether a trial waits or a new one has a place."""
        for trial in to_replace(self._trials(), self._num_places):
            self._study.add_trial(replacement_of(trial, self._axes.keys()))
        trials = self._trials()
        is_waiting = any(trial.state.name == "WAITING" for trial in trials)
        return is_waiting or sum(REPLACES not in trial.user_attrs for trial in trials) < self._num_places

    def _ask_for_one(self) -> Trial | None:
        """A waiting trial or a new one; None if it does not count, or was given back before its fields were chosen."""
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            number = self._study.ask(self._distributions).number
            if number not in self._places():
                self._end(number, "FAIL")
                return None
            trial_id, trial = self._trial(number)
            if self._storage.heart:
                self._storage.heart.beat_for(trial_id)
            self._storage.backend.set_trial_user_attr(trial_id, WORKER, f"{socket.gethostname()}:{os.getpid()}")
        except UpdateFinishedTrialError:
            return None
        return self._as_trial(trial)

    def _give_back_what_nobody_has(self) -> None:
        """Give back trials whose worker was killed while it asked for them, or has sent a database no beat for long."""
        from optuna.storages import fail_stale_trials

        fail_stale_trials(self._study)
        # The holder of the lock knows that nobody else is asking; where there is no lock, no ask takes that long.
        since = datetime.now() - timedelta(seconds=0 if self._storage.turn else storage.SECONDS_TO_BE_GONE)
        for trial in self._trials():
            is_taken = trial.state.name != "RUNNING" or WORKER in trial.user_attrs
            if not is_taken and (trial.datetime_start or since) <= since:
                self._end(trial.number, "FAIL")

    def _end(
        self, number: int, state: Literal["COMPLETE", "PRUNED", "FAIL"], values: Sequence[float] | None = None
    ) -> None:
        """End a trial that has not ended."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with suppress(UpdateFinishedTrialError):
            self._study.tell(number, values, state=TrialState[state], skip_if_finished=True)

    @property
    def _worst(self) -> float:
        return math.inf if self._study.direction.name == "MINIMIZE" else -math.inf

    def _trials(self) -> list[FrozenTrial]:
        # From the storage: the study that Optuna's hyperband passes to samplers has only some of the trials.
        return self._storage.backend.get_all_trials(self._study._study_id, deepcopy=False)

    def _trial(self, number: int) -> tuple[int, FrozenTrial]:
        trial_id = self._storage.backend.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        return trial_id, self._storage.backend.get_trial(trial_id)

    def _places(self) -> dict[int, int]:
        return places_of(self._trials(), self._num_places)

    def _as_trial(self, trial: FrozenTrial) -> Trial:
        return Trial(trial.number, {name: value_of(axis, trial.params[name]) for name, axis in self._axes.items()})
