"""Checkpoints: the whole progress of a run, saved in the background by orbax."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from vae_jax.messages import RunError
from vae_jax.training.advance import Progress


class Best(NamedTuple):
    """The best validation so far."""

    step: int
    value: float
    num_validations_since: int = 0


class Record(NamedTuple):
    """What a checkpoint says beside its arrays, as JSON."""

    epoch: int
    """With `batch`, the position in the data."""
    batch: int
    num_metrics_bytes: int
    """How long the metrics file was."""
    best: Best | None


class Checkpoints:
    """The checkpoints of a run: the latest few and the best one, each complete or not there at all.

    Args:
        directory: Where they are; made if it does not exist.
        num_latest: How many of the latest to keep, beside the best.
        say: Is called with a line where a damaged checkpoint was passed over.
    """

    def __init__(self, directory: Path, *, num_latest: int = 2, say: Callable[[str], None] = print) -> None:
        self._directory = directory.absolute()
        self._say = say
        self._keep = _LatestAndBest(num_latest)
        self._open()

    def _open(self) -> None:
        policies = ocp.training.save_decision_policies
        self._checkpointer = ocp.training.Checkpointer(
            str(self._directory),
            save_decision_policy=policies.FixedIntervalPolicy(1),  # pyright: ignore[reportArgumentType]
            preservation_policy=self._keep,
            cleanup_tmp_directories=True,
        )

    @property
    def steps(self) -> list[int]:
        """The steps that there are checkpoints of, ascending."""
        return [checkpoint.step for checkpoint in self._checkpointer.checkpoints]

    @property
    def path_of_latest(self) -> Path:
        """Where the newest checkpoint is."""
        return self._directory / str(self.steps[-1])

    def save(self, step: int, progress: Progress, record: Record) -> None:
        """Save in the background; only the copy off the device is waited for. A step that is saved is left alone."""
        if step in self.steps:
            return
        self._keep.best_step = record.best.step if record.best else None
        self._checkpointer.save_checkpointables_async(step, {"progress": progress}, custom_metadata=_to_json(record))

    def restore_latest(self, target: Progress) -> tuple[Progress, Record] | None:
        """The newest checkpoint that can be read, or None if there has never been one.

        A damaged one is said, moved aside to `damaged/` beside the checkpoints, and passed over.

        Args:
            target: Abstract arrays of the shapes and types expected, from `jax.eval_shape`.

        Raises:
            RunError: If there are checkpoints and none can be read, or one holds other shapes or types.
        """
        steps = self.steps
        for step in reversed(steps):
            try:
                return self.restore(step, target)
            except _Mismatch:
                raise
            except Exception as error:
                self._set_aside(step)
                older = [other for other in steps if other < step]
                then = f"going on from step {older[-1]}" if older else "there is none before it"
                self._say(f"checkpoint {step} is damaged ({_first_line(error)}) and was moved to damaged/; {then}")
        if steps:
            raise RunError(f"no checkpoint in {self._directory} can be read; train anew with --overwrite")
        return None

    def restore(self, step: int, target: Progress) -> tuple[Progress, Record]:
        """The checkpoint of a step.

        Raises:
            RunError: If it holds arrays of other shapes or types than the target.
        """
        metadata = self._checkpointer.checkpointables_metadata(step)
        saved = metadata.metadata["progress"]
        if saved is None:
            raise ValueError("its description cannot be read")
        _check_match(saved, target, f"checkpoint {step} in {self._directory}")
        # Where the arrays shall lie is said, or orbax would take it from the file and so from another machine.
        placed = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=_here()), target)
        progress = self._checkpointer.load_checkpointables(step, {"progress": placed})["progress"]
        return progress, _from_json(metadata.custom_metadata)

    def close(self) -> None:
        """Return when the last save is on the disk, and let go."""
        self._checkpointer.close()

    def _set_aside(self, step: int) -> None:
        aside = self._directory.parent / "damaged"
        aside.mkdir(exist_ok=True)
        shutil.rmtree(aside / str(step), ignore_errors=True)
        (self._directory / str(step)).rename(aside / str(step))
        self._checkpointer.close()
        self._open()  # the checkpointer listed the directory before, and must look again


class _LatestAndBest:
    """Which checkpoints to keep. The best is the run's own best, so that ties are broken in one place only."""

    def __init__(self, num_latest: int) -> None:
        self._num_latest = num_latest
        self.best_step: int | None = None

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        latest = {checkpoint.step for checkpoint in checkpoints[-self._num_latest :]}
        return [checkpoint.step in latest | {self.best_step} for checkpoint in checkpoints]


class _Mismatch(RunError):
    """A checkpoint of another program: not damaged, and nothing to pass over."""


def _check_match(saved: Any, target: Progress, name: str) -> None:
    # Orbax raises for another structure or shape, and silently casts another type.
    found = {_path(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(saved)}
    wanted = jax.tree_util.tree_leaves_with_path(target)
    for extra in sorted(set(found) - {_path(path) for path, _ in wanted}):
        raise _Mismatch(f"expected no {extra} in {name}; it has one; the experiment has changed")
    for path, leaf in wanted:
        expected = f"{leaf.dtype}{list(leaf.shape)}"
        if (entry := found.get(_path(path))) is None:
            raise _Mismatch(f"expected {_path(path)} ({expected}) in {name}; it has none; the experiment has changed")
        got = f"{getattr(entry, 'dtype', type(entry).__name__)}{list(getattr(entry, 'shape', ()))}"
        if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) and got != expected:
            raise _Mismatch(f"expected {_path(path)} to be {expected} in {name}; got {got}; the experiment has changed")


def _here() -> jax.sharding.Sharding:
    return jax.sharding.SingleDeviceSharding(jax.devices()[0])


def _path(path: Any) -> str:
    return ".".join(str(getattr(part, "name", getattr(part, "key", getattr(part, "idx", part)))) for part in path)


def _to_json(record: Record) -> dict[str, Any]:
    return record._asdict() | {"best": record.best and record.best._asdict()}


def _from_json(record: Any) -> Record:
    return Record(**(record | {"best": record["best"] and Best(**record["best"])}))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
