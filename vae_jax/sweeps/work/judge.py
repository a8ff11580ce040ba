"""The judge of a stack: the directories of its lanes, their reports to the search, and their end."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from vae_jax.catalogue import ExperimentFile
from vae_jax.config.fields import with_fields
from vae_jax.config.saved import config_from, config_to_json
from vae_jax.files import write_json
from vae_jax.messages import RunError
from vae_jax.ranking import lower_is_better
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.same_data import begun_with
from vae_jax.runs.work import of_program
from vae_jax.sweeps.lanes.evolution import Evolution
from vae_jax.sweeps.lanes.lanes import Lanes
from vae_jax.sweeps.lanes.slot import Slot
from vae_jax.sweeps.lanes.train_stack import Outcome, Program
from vae_jax.sweeps.search.sources import Source
from vae_jax.sweeps.values.trial import Trial
from vae_jax.sweeps.work.directory import LaneStatus, SweepDirectory, SweepSpec
from vae_jax.sweeps.work.table import Table


class StackJudge(NamedTuple):
    """A `Judge` for the lanes of one stack."""

    directory: SweepDirectory
    spec: SweepSpec
    file: ExperimentFile
    environment: dict[str, Any]
    source: Source
    table: Table
    evolution: Evolution | None
    next_trial: Callable[[], Trial | None]

    @property
    def objectives(self) -> Sequence[str]:
        """The names of the objectives."""
        return (self.spec.search or {}).get("objectives") or ["value"]

    def begin(self, trial: Trial, program: Program) -> RunDirectory:
        """Make the run directory of a lane, in place of one that a killed worker may have left.

        Raises:
            RunError: If the sweep's own directory is gone.
        """
        if not self.directory.exists:  # lanes alone would be half a sweep
            raise RunError(
                f"expected {self.directory.path} to stay where it is while it is worked on; it was removed or renamed; "
                "bring it back and go on with it, or begin anew"
            )
        run = self.directory.lane(trial.number)
        run.path.mkdir(parents=True, exist_ok=True)
        record = {
            "experiment": self.spec.experiment,
            "config": config_to_json(with_fields(program.family.config, program.numbers(trial))),
            "num_steps": self.spec.num_steps,
        }
        environment = self.environment | of_program(program.experiment, program.outline)
        run.create(record, environment, self.file.kept, begun_with(program.family.data))
        self._note(trial, "running")
        return run

    def to_stop(self, slots: Sequence[Slot]) -> list[Slot]:
        """Report the validations of lanes to the search, and return the lanes that it stops.

        The best lane is reported first. The search compares a lane with those reported before: if the worst of the
        lanes that are validated together came first, they would go on.
        """
        for slot in slots:
            self.table.validated(slot)
        reports = [(self._objective(slot.validations[-1]), slot) for slot in slots if slot.step > 0]
        reports.sort(key=lambda report: self._badness(report[0]))
        return [slot for value, slot in reports if self.source.report(slot.trial.number, slot.step, value)]

    def end(self, slot: Slot, status: Outcome, nll: float | None) -> None:
        """Note a lane's end, first in its directory and then in the search: a noted lane is never trained again."""
        if self.evolution is not None:
            record = slot.run.read_config()
            config = with_fields(config_from(self.file, record["config"]), slot.numbers)
            write_json(slot.run.config, record | {"config": config_to_json(config)})
        values = None
        if status == "finished":
            values = [_number(nll if name == "nll" else slot.best_line().get(name)) for name in self.objectives]
        self._note(slot.trial, status, values)
        self.source.finish(slot.trial.number, values, status)
        self.table.ended(slot, status)

    def another(self) -> Trial | None:
        """The next trial for a free slot; None if there is none left."""
        return self.next_trial()

    def after_round(self, slots: Sequence[Slot | None], lanes: Lanes) -> None:
        """Let lanes learn from each other, if the sweep has an evolution."""
        if self.evolution is not None:
            self.evolution.after_round(slots, lanes)

    def show(self, slots: Sequence[Slot | None], num_steps: int) -> None:
        """Show that so many steps of each lane have been trained."""
        self.table.advanced(num_steps * sum(slot is not None for slot in slots))

    def _objective(self, line: dict[str, Any]) -> float:
        """The first objective at a validation on the way: minus the bound stands in for an NLL, which takes long."""
        name = self.objectives[0]
        return -_number(line["value"]) if name == "nll" else _number(line.get(name))

    def _badness(self, value: float) -> float:
        if math.isnan(value):
            return math.inf
        return value if lower_is_better(self.objectives[0]) else -value

    def _note(self, trial: Trial, status: LaneStatus, values: Sequence[float] | None = None) -> None:
        self.directory.set_status(trial.number, status, list(trial.fields), values)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
