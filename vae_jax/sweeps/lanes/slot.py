"""A slot: one lane while it is trained, with the files of its run."""

from __future__ import annotations

from typing import Literal

from vae_jax.messages import RunError
from vae_jax.runs.directory import RunDirectory
from vae_jax.sweeps.lanes.family import Numbers
from vae_jax.sweeps.lanes.lanes import LaneState, Sums
from vae_jax.sweeps.lanes.stack import SlotRecord
from vae_jax.sweeps.values.trial import Trial
from vae_jax.training.budget import Budget
from vae_jax.training.checkpoint import Best, Checkpoints, Record
from vae_jax.training.duties import (
    Line,
    best_of,
    ending,
    has_diverged,
    is_due,
    next_duty,
    training_line,
    validation_line,
)
from vae_jax.training.metrics import MetricsFile, read_metrics


class Slot:
    """The host's record of a lane in training: its step, its best validation, and its metrics file.

    Args:
        trial: Trial of the lane.
        numbers: The fields of the lane that lanes differ in.
        run: Run directory of the lane.
        budget: Budget of its group.
        num_steps_per_epoch: Number of steps in an epoch of its data.
        saved: The record of the lane when its stack was saved; None for its beginning.
    """

    def __init__(
        self,
        trial: Trial,
        numbers: Numbers,
        run: RunDirectory,
        budget: Budget,
        num_steps_per_epoch: int,
        saved: SlotRecord | None = None,
    ) -> None:
        self.trial = trial
        self.run = run
        self.numbers = dict(saved.numbers if saved else numbers)
        self.step = saved.step if saved else 0
        self.best: Best | None = saved.latest.best if saved else None
        self.at_best = saved.at_best if saved else Record(0, 0, 0, None)
        self._budget = budget
        self._num_steps_per_epoch = num_steps_per_epoch
        self._metrics = MetricsFile(run.metrics, saved.latest.num_metrics_bytes if saved else 0)
        lines = read_metrics(run.metrics) if saved else []
        self.validations: list[Line] = [line for line in lines if line["split"] == "validation"]
        self._last_line = max((line["step"] for line in lines if line["split"] == "train"), default=0)
        self.has_diverged = False
        self.is_stopped = False
        """Whether the search has decided to stop the lane early."""

    @property
    def steps_to_next_duty(self) -> int:
        """Number of steps until the next line of metrics, the next validation, or the end."""
        return next_duty(self.step, self._budget) - self.step

    @property
    def is_due_for_a_line(self) -> bool:
        """Whether a line of training metrics is due after this step and has not been written."""
        return self.step > self._last_line and is_due(self._budget.log_every, self.step, self._budget)

    @property
    def is_due_for_validation(self) -> bool:
        """Whether a validation is due after this step and has not been made."""
        if self.has_diverged or (self.validations and self.validations[-1]["step"] == self.step):
            return False
        return is_due(self._budget.validate_every, self.step, self._budget)

    @property
    def ending(self) -> Literal["finished", "stopped", "diverged"] | None:
        """The way in which the lane has ended, or None."""
        if self.has_diverged:
            return "diverged"
        if ending(self.step, self.best, self._budget):
            return "finished"
        return "stopped" if self.is_stopped else None

    def take(self, sums: Sums) -> None:
        """Write the sums as a line of metrics; too many skipped steps in a row end the lane as diverged."""
        self._last_line = self.step
        self._metrics.write(training_line(self.step, sums.sums, sums.num_summed, sums.num_skipped))
        self.has_diverged = has_diverged(sums.num_skipped_in_a_row, self._budget)

    def validated(self, metrics: Line) -> bool:
        """Write a validation as a line, and tell whether it is the best so far."""
        line = validation_line(self.step, metrics)
        self.best = best_of(self.best, line)
        self._metrics.write(line)
        self.validations.append(line)
        if self.best.is_the_latest:
            self.at_best = self.record()
        return self.best.is_the_latest

    def record(self) -> Record:
        """The record for a checkpoint of the lane at this step; its metrics are written to disk first."""
        epoch, batch = divmod(self.step, self._num_steps_per_epoch)
        return Record(epoch, batch, self._metrics.sync(), self.best)

    def saved(self) -> SlotRecord:
        """The record of the lane for the checkpoint of its stack."""
        return SlotRecord(self.trial.number, self.step, self.record(), self.at_best, dict(sorted(self.numbers.items())))

    def best_line(self) -> Line:
        """The line of the lane's best validation."""
        if self.best is None:
            raise RunError(f"expected a validation of lane {self.trial.number}; there was none")
        return next(line for line in self.validations if line["step"] == self.best.step)

    def close(self) -> None:
        """Close the metrics file of the lane."""
        self._metrics.close()


def write_checkpoints(run: RunDirectory, lane: LaneState, latest: tuple[int, Record], at_best: Record) -> None:
    """Give a lane its own checkpoints, as any run has them: the best and the latest.

    Args:
        run: Run directory of the lane.
        lane: State of the lane.
        latest: The lane's present step, and the record at that step.
        at_best: The record at its best step.
    """
    step, record = latest
    checkpoints = Checkpoints(run.checkpoints)
    try:
        if at_best.best is not None and at_best.best.step < step:
            checkpoints.save(at_best.best.step, lane.best, at_best)
        checkpoints.save(step, lane.progress, record)
    finally:
        checkpoints.close()
