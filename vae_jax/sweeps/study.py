"""A search over a sweep's axes: trials are asked for, report on the way, and finish. Optuna chooses and keeps them."""

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
from vae_jax.sweeps import storage
from vae_jax.sweeps.axes import Axis
from vae_jax.sweeps.check_search import check_optuna, check_same, check_search, description_of, num_trials
from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.places import REPLACES, places_of, replacement_of, to_replace
from vae_jax.sweeps.samplers import sampler_of
from vae_jax.sweeps.space import distribution_of, value_of
from vae_jax.sweeps.stopping import pruner_of
from vae_jax.sweeps.trial import Trial

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

SEARCH = "search"
"""The user attribute of a study that says what was searched, and how."""
WORKER = "worker"
"""The user attribute of a trial that says who has asked for it: the last thing that is noted about an ask."""
STOPPED = "stopped_after"
"""The user attribute of a trial with the step after which it was to be stopped: who did not hear is told again."""

Outcome = Literal["finished", "stopped", "diverged"]


class Study:
    """What all workers of a search share. All of them make it with the same arguments, and in any order.

    Each call is kept before it returns, so that a worker may be killed at any instant: a trial that it had is running
    until someone gives it back. Optuna knows trials that were stopped or have diverged as PRUNED, and those that were
    given back as FAIL.
    """

    def __init__(
        self, directory: Path, axes: Mapping[str, Axis], search: SearchConfig, *, min_steps: int, max_steps: int
    ) -> None:
        """Join the study of a sweep, or begin it.

        Args:
            directory: The sweep's. Its name is the study's, in a database too.
            axes: Dotted field -> what it is searched over.
            search: Who chooses, how many, and by what.
            min_steps: The training steps after which the first value is reported; others come after multiples of it.
            max_steps: The training steps of a trial that nobody stops.

        Raises:
            UsageError: If Optuna is missing, the search cannot be made, its storage cannot be reached, or the study is
                another one.
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
            None if all have been asked for, by anyone.
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
            number: Of the trial.
            step: How many training steps it has made.
            value: Of the objective; of several objectives none is kept. Infinity or no number
                counts as the worst there is.

        Returns:
            Whether it is to be stopped, since others are better or it is no longer this worker's. Never at its end.
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
        """End a trial. One that has ended before stays as it is: its worker was killed before it could note so.

        Args:
            number: Of the trial.
            values: Of the objectives; needed of finished trials. A stopped one has the last value that it reported.
            outcome: How it went. A finished one with a value that is infinite or no number has diverged.
        """
        is_finished = outcome == "finished" and values is not None and all(map(math.isfinite, values))
        with self._a_call():
            trial_id, trial = self._trial(number)
            if is_finished:
                self._end(number, "COMPLETE", values)
            else:
                if outcome != "stopped" and len(self._study.directions) == 1 and not trial.state.is_finished():
                    # What it was before it diverged must not speak for it.
                    last_step = max(trial.intermediate_values, default=0)
                    self._storage.backend.set_trial_intermediate_value(trial_id, last_step + 1, self._worst)
                self._end(number, "PRUNED")
            if self._storage.heart:
                self._storage.heart.end_for(trial_id)

    def running(self) -> list[Trial]:
        """The trials that were asked for and have not ended, by anyone."""
        with self._a_call():
            self._give_back_what_nobody_has()
            places = self._places()
            return [
                self._as_trial(trial)
                for trial in self._trials()
                if trial.number in places and trial.state.name == "RUNNING" and WORKER in trial.user_attrs
            ]

    def give_back(self, number: int) -> None:
        """Whoever had a trial is gone: its fields are asked for once again, as a trial of another number."""
        with self._a_call():
            self._end(number, "FAIL")

    def best(self) -> list[int]:
        """The number of the finished trial with the best value, or of several objectives, the numbers of all that no
        other beats in every one (the Pareto front); empty as long as none is finished.
        """
        with self._a_call():
            finished = [trial for trial in self._trials() if trial.state.name == "COMPLETE"]
            if not finished or len(self._study.directions) > 1:
                return [trial.number for trial in self._study.best_trials]
            return [self._study.best_trial.number]

    def close(self) -> None:
        """Leave the study: this process' trials are no longer said to be alive where a database keeps them."""
        if self._storage.heart:
            self._storage.heart.stop()

    @contextmanager
    def _a_call(self) -> Iterator[None]:
        """In turn, in silence, and with one line if the storage fails."""
        message = f"the study in {self._storage.name} cannot be reached any more: {{}}; what was finished is kept; "
        with (
            storage.told_in_one_line(message + "give the same command again to go on", RunError),
            self._storage.turn or nullcontext(),
        ):
            yield

    def _is_something_left(self) -> bool:
        """See to the trials that were given back, and whether there is one to be had, or a place for a new one."""
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
        """Trials whose worker was killed while it asked for them, or that a database has not heard of for long."""
        from optuna.storages import fail_stale_trials

        fail_stale_trials(self._study)
        # Whose turn it is knows that nobody else is asking; where there are no turns, nobody asks for so long.
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
        # Of the storage: hyperband's samplers are shown a study with some of its trials only.
        return self._storage.backend.get_all_trials(self._study._study_id, deepcopy=False)

    def _trial(self, number: int) -> tuple[int, FrozenTrial]:
        trial_id = self._storage.backend.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        return trial_id, self._storage.backend.get_trial(trial_id)

    def _places(self) -> dict[int, int]:
        return places_of(self._trials(), self._num_places)

    def _as_trial(self, trial: FrozenTrial) -> Trial:
        return Trial(trial.number, {name: value_of(axis, trial.params[name]) for name, axis in self._axes.items()})
