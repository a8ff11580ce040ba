"""The training loop: a few duties, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.data.feed import Feed
from vae_jax.data.stream import open_stream
from vae_jax.messages import RunError
from vae_jax.parallel import hosts
from vae_jax.parallel.placement import Placement, on_one_device
from vae_jax.training.advance import Progress, abstract_start, advance, start
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
from vae_jax.training.interruption import Interruption
from vae_jax.training.metrics import MetricsFile, NoMetricsFile
from vae_jax.training.state import params_to_evaluate
from vae_jax.training.tracer import Tracer
from vae_jax.training.trainer import Trainer
from vae_jax.types import Key, Metrics, Params


class Display(Protocol):
    """The display of a run while it goes on."""

    def train(self, line: Line, images_per_second: float | None, seconds_left: float | None) -> None:
        """Show a line of training metrics."""
        ...

    def validation(self, line: Line, is_best: bool) -> None:
        """Show a line of validation metrics."""
        ...

    def say(self, text: str) -> None:
        """Show a line of text."""
        ...


class Outcome(NamedTuple):
    """The outcome of a training loop."""

    step: int
    best: Best
    reason: str
    """"all steps done", "no new best in N validations", or the name of a signal."""
    is_finished: bool
    """Whether the run is finished; False if a signal ended the loop."""


def fit(
    trainer: Trainer,
    feed: Feed,
    budget: Budget,
    key: Key,
    *,
    validate: Callable[[Params], Line],
    checkpoints: Checkpoints,
    open_metrics: Callable[[int], MetricsFile | NoMetricsFile],
    display: Display,
    placement: Placement | None = None,
    tracer: Tracer | None = None,
    explain: Callable[[int, int], str | None] | None = None,
) -> Outcome:
    """Train until the steps are done, patience is at its end, or a signal comes.

    It goes on from the latest checkpoint if there is one, and then ends with the same bits as if it had never stopped.
    Progress is saved before the first step, at each validation, and on a signal.

    Args:
        trainer: The trainer of the steps.
        feed: The source of the batches.
        budget: The number of steps, and the intervals of logs and validations.
        key: The run's key.
        validate: From parameters to metrics, with `value` among them: the greatest is the best.
        checkpoints: The checkpoints that progress is saved to.
        open_metrics: From the number of bytes to keep to the metrics file.
        display: The display of the run.
        placement: The devices that the work is spread over; None for one. With several hosts, all call this alike, and
            a signal to one stops them all at the same step.
        tracer: The profiler of some of the steps.
        explain: From the first and the last of some steps that were not finite to a line that says why, if it is known.

    Raises:
        RunError: If too many steps in a row were not finite, or no checkpoint can be read.
    """
    placement = placement or on_one_device()
    restored = checkpoints.restore_latest(abstract_start(trainer, feed, key, placement))
    progress, record = restored or (start(trainer, feed, key, placement), Record(0, 0, 0, None))
    step, best = int(progress.state.step), record.best
    _check_position(record, step, feed)

    metrics = open_metrics(record.num_metrics_bytes)
    lines = _TrainingLines(metrics, display, budget, checkpoints, step, explain)
    run_steps = advance(trainer, feed, placement)
    tracer = tracer or Tracer()

    def save() -> None:
        lines.flush(best)
        checkpoints.wait()  # so that no line is on the disk before the checkpoint that it comes after
        epoch, batch = divmod(step, feed.num_steps_per_epoch)
        checkpoints.save(step, progress, Record(epoch, batch, metrics.sync(), best))

    def validate_and_save() -> Best:
        nonlocal best
        lines.flush(best)
        line = validation_line(step, validate(params_to_evaluate(progress.state)))
        best = best_of(best, line)
        metrics.write(line)
        display.validation(line, is_best=best.is_the_latest)
        save()
        return best

    try:
        with Interruption() as interruption, open_stream(feed, step, placement.put_share) as batches, tracer:
            best = best or validate_and_save()
            while not (reason := ending(step, best, budget)) and not hosts.any_of(bool(interruption)):
                until = min([next_duty(step, budget), *tracer.stops_after(step)])
                tracer.before(step, progress)
                progress = run_steps(progress, batches, until - step)
                step = until
                tracer.after(step, progress)
                lines.flush(best)  # the line before this one: its numbers came while these steps were under way
                if is_due(budget.log_every, step, budget):
                    progress = lines.take(step, progress)
                if is_due(budget.validate_every, step, budget):
                    validate_and_save()
            save()
    finally:
        metrics.close()
    stopped_by = interruption.signal_name or "a signal to another host"
    return Outcome(step, best, reason or stopped_by, is_finished=bool(reason))


def _check_position(record: Record, step: int, feed: Feed) -> None:
    if divmod(step, feed.num_steps_per_epoch) != (record.epoch, record.batch):
        raise RunError(
            f"expected the checkpoint of step {step} at batch {step % feed.num_steps_per_epoch} of epoch "
            f"{step // feed.num_steps_per_epoch}; it was saved at batch {record.batch} of epoch {record.epoch}: "
            "the batch size or the data have changed; train anew with --overwrite"
        )


class _TrainingLines:
    """Lines of training metrics, written one turn late so that nothing waits for the device."""

    def __init__(
        self,
        metrics: MetricsFile | NoMetricsFile,
        display: Display,
        budget: Budget,
        checkpoints: Checkpoints,
        step: int,
        explain: Callable[[int, int], str | None] | None,
    ) -> None:
        self._metrics, self._display, self._budget, self._checkpoints = metrics, display, budget, checkpoints
        self._explain = explain or (lambda first, last: None)
        self._num_skipped, self._line = 0, step
        self._pending: tuple[int, Metrics, Array, Array, Array] | None = None
        self._step: int = step
        self._time: float | None = None

    def take(self, step: int, progress: Progress) -> Progress:
        """Take what has been summed, and start the sums anew."""
        # Copies, because the next steps are given the state's own arrays to overwrite.
        skipped, in_a_row = jnp.copy(progress.state.num_skipped), jnp.copy(progress.state.num_skipped_in_a_row)
        self._pending = (step, progress.sums, progress.num_summed, skipped, in_a_row)
        return progress._replace(
            sums=jax.tree.map(jnp.zeros_like, progress.sums), num_summed=jnp.zeros_like(progress.num_summed)
        )

    def flush(self, best: Best | None) -> None:
        """Write and show the line that was taken, if there is one.

        Args:
            best: The best validation so far: its parameters are known to be good, which the latest ones are not.

        Raises:
            RunError: If the line ends with too many skipped steps in a row.
        """
        if self._pending is None:
            return
        (step, sums, num_summed, num_skipped, in_a_row), self._pending = jax.device_get(self._pending), None
        line = training_line(step, sums, num_summed, num_skipped)
        self._metrics.write(line)
        self._show(line)
        if num_skipped > 0 and not self._num_skipped and (reason := self._explain(self._line, step - 1)):
            self._display.say(reason)  # once: the first steps that are skipped tell what is wrong with the data
        self._num_skipped, self._line = int(num_skipped), step
        if has_diverged(in_a_row, self._budget):
            last_good = self._checkpoints.path_of(best.step) if best else "none"
            # Step numbers count steps taken: the first step of all is that from 0 to 1, on the batch of 0.
            reason = self._explain(step - int(in_a_row), step - 1) or "lower the learning rate, or clip the gradient"
            raise RunError(
                f"expected finite values, gradients and updates; the last {in_a_row} steps, {step - in_a_row + 1} to "
                f"{step}, had none; the last good checkpoint is {last_good}; {reason}"
            )

    def _show(self, line: Line) -> None:
        # The first line has no speed: most of its time went into compiling.
        now, step = time.perf_counter(), line["step"]
        seconds_per_step = (now - self._time) / (step - self._step) if self._time is not None else None
        images_per_second = self._budget.batch_size / seconds_per_step if seconds_per_step else None
        seconds_left = (self._budget.num_steps - step) * seconds_per_step if seconds_per_step else None
        self._display.train(line, images_per_second, seconds_left)
        self._step, self._time = step, now
