"""Checkpoints: the whole progress of a run, saved in the background by orbax."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from orbax.checkpoint import v1 as ocp

from vae_jax.messages import RunError
from vae_jax.parallel import hosts
from vae_jax.training.damage import Damaged, root_of
from vae_jax.training.saved import checksum_of, damage_of_record, read_latest, steps_in


class Best(NamedTuple):
    """The best validation so far."""

    step: int
    value: float
    num_validations_since: int = 0

    @property
    def is_the_latest(self) -> bool:
        """Whether no validation came after it."""
        return self.num_validations_since == 0


class Record(NamedTuple):
    """The facts that a checkpoint holds as JSON, beside its arrays."""

    epoch: int
    """With `batch`, the position in the data."""
    batch: int
    num_metrics_bytes: int
    """Length of the metrics file at the checkpoint."""
    best: Best | None

    @property
    def best_step(self) -> int | None:
        """Step of the checkpoint to keep beside the latest ones."""
        return self.best.step if self.best else None

    def to_json(self) -> dict[str, Any]:
        """A dict for JSON."""
        return self._asdict() | {"best": self.best and self.best._asdict()}

    @classmethod
    def from_json(cls, record: Any) -> Record:
        """The record from the dict that `to_json` made of it."""
        return cls(**(record | {"best": record["best"] and Best(**record["best"])}))


class Checkpoints:
    """The checkpoints of a run that is trained: the latest few and the best one, each complete or not there at all.

    Args:
        directory: Their directory, which the first save makes, in a directory that exists.
        num_latest: Number of the latest checkpoints to keep, beside the best.
        record_type: Type of the records, with `best_step`, `to_json` and `from_json`.
        say: Called with a line for each damaged checkpoint that is passed over.
    """

    def __init__(
        self,
        directory: Path,
        *,
        num_latest: int = 2,
        record_type: Any = Record,
        say: Callable[[str], None] = print,
    ) -> None:
        self._directory = directory.absolute()
        self._damaged = self._directory.parent / "damaged"
        self._record_type = record_type
        self._say = say
        self._keep = _LatestAndBest(num_latest)
        self._home = _identity(self._directory.parent)
        self._saving: tuple[int, Any] | None = None
        self._has_failed = False

    @cached_property
    def _orbax(self) -> ocp.training.Checkpointer:
        try:
            return self._opened()
        except Exception:
            # Orbax reads every record when it lists, and fails where one is damaged.
            damaged = {step: problem for step in self.steps if (problem := damage_of_record(self._directory, step))}
            if not damaged:
                raise
            for step, problem in damaged.items():
                self._set_aside(step, problem)
            return self._opened()

    def _opened(self) -> ocp.training.Checkpointer:
        policies = ocp.training.save_decision_policies
        return ocp.training.Checkpointer(
            str(self._directory),
            save_decision_policy=policies.FixedIntervalPolicy(1),  # pyright: ignore[reportArgumentType]
            preservation_policy=self._keep,
            cleanup_tmp_directories=True,
        )

    @property
    def steps(self) -> list[int]:
        """The steps that have checkpoints, ascending."""
        return steps_in(self._directory)

    def path_of(self, step: int) -> Path:
        """Path of the checkpoint of a step."""
        return self._directory / str(step)

    def save(self, step: int, progress: Any, record: Any) -> None:
        """Save in the background, after the save before; only the copy off the device is waited for.

        A step saved before is left alone.

        Raises:
            RunError: If this save, or the one before, cannot be written; earlier checkpoints are as they were.
        """
        self.wait()
        if step in self.steps:
            return
        self._keep.best_step = record.best_step
        saved = record.to_json() | {"checksum": checksum_of(progress, record)}
        with self._writing(step):
            response = self._orbax.save_checkpointables_async(step, {"progress": progress}, custom_metadata=saved)
        self._saving = step, response

    def wait(self) -> None:
        """Wait until what was saved is on the disk.

        Raises:
            RunError: If it cannot be written; earlier checkpoints are as they were.
        """
        self._check_home()
        if self._saving is not None:
            (step, response), self._saving = self._saving, None
            with self._writing(step):
                # Asked for its result, a save ends the thread that it was waited for in, which has three descriptors.
                response.result()
            self._check_home()

    def restore_latest(self, target: Any) -> tuple[Any, Any] | None:
        """The newest checkpoint that can be read, or None if there has never been one.

        A damaged checkpoint is reported, moved to `damaged/` beside the checkpoints, and passed over.

        Args:
            target: Abstract arrays of the shapes and types expected, from `jax.eval_shape`; where they have a sharding,
                the arrays are placed by it, else on this process's first device.

        Raises:
            RunError: If there are checkpoints and none can be read, or one holds other shapes or types, or cannot be
                read for a reason that lies outside of it.
        """
        found = read_latest(self._directory, target, self._set_aside, record_type=self._record_type)
        if found is None and self._damaged.exists():
            raise RunError(
                f"no checkpoint in {self._directory} can be read; put one back from {self._damaged} that is sound, or "
                "train anew with --overwrite"
            )
        return found

    def close(self) -> None:
        """Wait until the last save is on the disk, and close the checkpointer.

        Raises:
            RunError: If it cannot be written.
        """
        try:
            self.wait()
        finally:
            if "_orbax" in self.__dict__:
                # Of a save that has failed, and was told of, orbax raises the error again.
                with suppress(Exception) if self._has_failed else self._writing(max(self.steps, default=0)):
                    self._orbax.close()

    @contextmanager
    def _writing(self, step: int) -> Iterator[None]:
        """Raise what goes wrong in writing as an error of one line."""
        try:
            yield
        except Exception as error:
            self._has_failed = True
            if hosts.loss_behind(error):
                raise
            self._check_home()
            then = "the checkpoints before it are whole: mend that, and go on from the last one"
            if not self.steps:
                then = "there is none before it: mend that, and train anew with --overwrite"
            raise RunError(f"expected to save step {step} in {self._directory}; {root_of(error)}; {then}") from error

    def _check_home(self) -> None:
        """Check that the run's directory is the one that it was: orbax would make another of the same name."""
        is_there = "_orbax" not in self.__dict__ or self._directory.is_dir()
        if not is_there or self._home is None or _identity(self._directory.parent) != self._home:
            raise RunError(
                f"expected {self._directory.parent} to stay where it is while it is written to; it was removed or "
                "renamed; bring it back and go on with it, or begin anew"
            )

    def _set_aside(self, step: int, error: Damaged) -> None:
        if hosts.is_first():
            self._damaged.mkdir(exist_ok=True)
            shutil.rmtree(self._damaged / str(step), ignore_errors=True)
            self.path_of(step).rename(self._damaged / str(step))
        hosts.any_of(False)  # the others look again when it is gone
        older = [other for other in self.steps if other < step]
        then = f"going on from step {max(older)}" if older else "there is none before it"
        self._say(
            f"checkpoint {step} is damaged ({error}) and was moved to damaged/, "
            f"from where 'mv {self._damaged / str(step)} {self._directory}' brings it back; {then}"
        )


def _identity(directory: Path) -> tuple[int, int] | None:
    """The identity of a directory, which another one of the same name does not have; None where there is none."""
    try:
        found = directory.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class _LatestAndBest:
    """The rule of the checkpoints kept. The best is the run's own best, so that ties are broken in only one place."""

    def __init__(self, num_latest: int) -> None:
        self._num_latest = num_latest
        self.best_step: int | None = None

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        latest = {checkpoint.step for checkpoint in checkpoints[-self._num_latest :]}
        return [checkpoint.step in latest | {self.best_step} for checkpoint in checkpoints]
