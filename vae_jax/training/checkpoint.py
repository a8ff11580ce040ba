"""Checkpoints: the whole progress of a run, saved in the background by orbax."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from vae_jax.messages import RunError
from vae_jax.parallel import hosts
from vae_jax.training.checksum import checksum


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
    """The checkpoints of a run: the latest few and the best one, each complete or not there at all.

    Args:
        directory: Their directory, made if it does not exist.
        num_latest: Number of the latest checkpoints to keep, beside the best.
        record_type: Type of the records, with `best_step`, `to_json` and `from_json`.
        keeps_types: Whether numbers are read in the precision that they were saved in, whatever the target's.
        say: Called with a line for each damaged checkpoint that is passed over.
    """

    def __init__(
        self,
        directory: Path,
        *,
        num_latest: int = 2,
        record_type: Any = Record,
        keeps_types: bool = False,
        say: Callable[[str], None] = print,
    ) -> None:
        self._directory = directory.absolute()
        self._damaged = self._directory.parent / "damaged"
        self._record_type = record_type
        self._keeps_types = keeps_types
        self._say = say
        self._keep = _LatestAndBest(num_latest)
        self._open()

    def _open(self) -> None:
        try:
            self._checkpointer = self._listed()
        except Exception:
            # Orbax reads every record when it lists, and fails where one is damaged.
            damaged = {step: error for step in self._steps_on_disk() if (error := self._reading_error(step))}
            if not damaged:
                raise
            for step, error in damaged.items():
                self._set_aside(step, error)
            self._checkpointer = self._listed()

    def _listed(self) -> ocp.training.Checkpointer:
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
        return [checkpoint.step for checkpoint in self._checkpointer.checkpoints]

    def path_of(self, step: int) -> Path:
        """Path of the checkpoint of a step."""
        return self._directory / str(step)

    def save(self, step: int, progress: Any, record: Any) -> None:
        """Save in the background; only the copy off the device is waited for. A step saved before is left alone."""
        if step in self.steps:
            return
        self._keep.best_step = record.best_step
        saved = record.to_json() | {"checksum": _checksum(progress, record)}
        self._checkpointer.save_checkpointables_async(step, {"progress": progress}, custom_metadata=saved)

    def restore_latest(self, target: Any) -> tuple[Any, Any] | None:
        """The newest checkpoint that can be read, or None if there has never been one.

        A damaged checkpoint is reported, moved to `damaged/` beside the checkpoints, and passed over.

        Args:
            target: Abstract arrays of the shapes and types expected, from `jax.eval_shape`; where they have a sharding,
                the arrays are placed by it, else on this process's first device.

        Raises:
            RunError: If there are checkpoints and none can be read, or one holds other shapes or types.
        """
        for step in reversed(self.steps):
            found, problem = None, None
            try:
                found = self._read(step, target)
            except _Damaged as error:
                problem = error
            if not hosts.any_of(found is None):
                return found
            self._set_aside(step, problem or _Damaged("another host cannot read it"))
            self._checkpointer.close()
            self._open()  # the checkpointer listed the directory before, and must look again
        if self._damaged.exists():
            raise RunError(f"no checkpoint in {self._directory} can be read; train anew with --overwrite")
        return None

    def restore(self, step: int, target: Any) -> tuple[Any, Any]:
        """The checkpoint of a step.

        Raises:
            RunError: If it cannot be read, or holds arrays of other shapes or types than the target.
        """
        try:
            return self._read(step, target)
        except _Damaged as error:
            raise RunError(
                f"expected checkpoint {step} in {self._directory}; it cannot be read ({error}); "
                "take the latest one: --select latest"
            ) from error

    def _read(self, step: int, target: Any) -> tuple[Any, Any]:
        with _reading():
            metadata = self._checkpointer.checkpointables_metadata(step)
            saved = metadata.metadata["progress"]
            if saved is None:
                raise _Damaged("its description cannot be read")
            if not metadata.custom_metadata:
                raise _Damaged("its record cannot be read")
            saved_record: dict[str, Any] = dict(metadata.custom_metadata)  # pyright: ignore
            saved_checksum, record = saved_record.pop("checksum"), self._record_type.from_json(saved_record)
        target = _in_saved_types(saved, target) if self._keeps_types else target
        _check_match(saved, target, f"checkpoint {step} in {self._directory}")
        placed = _placed(target)
        with _reading(), _precision_in_every_thread():
            progress = self._checkpointer.load_checkpointables(step, {"progress": placed})["progress"]
        if saved_checksum != _checksum(progress, record):
            raise _Damaged("its contents are not those that were saved")
        return progress, record

    def close(self) -> None:
        """Wait until the last save is on the disk, and close the checkpointer."""
        self._checkpointer.close()

    def _set_aside(self, step: int, error: _Damaged) -> None:
        if hosts.is_first():
            self._damaged.mkdir(exist_ok=True)
            shutil.rmtree(self._damaged / str(step), ignore_errors=True)
            (self._directory / str(step)).rename(self._damaged / str(step))
        hosts.any_of(False)  # the others look again when it is gone
        older = [other for other in self._steps_on_disk() if other < step]
        then = f"going on from step {max(older)}" if older else "there is none before it"
        self._say(f"checkpoint {step} is damaged ({error}) and was moved to damaged/; {then}")

    def _steps_on_disk(self) -> list[int]:
        return sorted((int(path.name) for path in self._directory.iterdir() if path.name.isdecimal()), reverse=True)

    def _reading_error(self, step: int) -> _Damaged | None:
        try:
            with _reading():
                ocp.checkpointables_metadata(str(self._directory / str(step)))
        except _Damaged as error:
            return error
        return None


@contextmanager
def _precision_in_every_thread() -> Iterator[None]:
    """Set this thread's precision in the threads that orbax reads with, which `with jax.enable_x64(True)` does not."""
    # The value of jax.config is that of the thread that reads it, so a new one is asked what holds in the others.
    with ThreadPoolExecutor(1) as other:
        elsewhere = other.submit(_is_in_64_bits).result()
    here = _is_in_64_bits()
    if elsewhere == here:
        yield
        return
    jax.config.update("jax_enable_x64", here)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", elsewhere)


def _is_in_64_bits() -> bool:
    return jax.dtypes.canonicalize_dtype("float64") == "float64"


class _LatestAndBest:
    """The rule of the checkpoints kept. The best is the run's own best, so that ties are broken in only one place."""

    def __init__(self, num_latest: int) -> None:
        self._num_latest = num_latest
        self.best_step: int | None = None

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> Sequence[bool]:
        latest = {checkpoint.step for checkpoint in checkpoints[-self._num_latest :]}
        return [checkpoint.step in latest | {self.best_step} for checkpoint in checkpoints]


class _Damaged(Exception):
    """The error for a checkpoint whose files are not as they were written."""


@contextmanager
def _reading() -> Iterator[None]:
    """Blame the files for an error in this context, unless the machine lacks something: then they may well be sound."""
    try:
        yield
    except (MemoryError, PermissionError, jax.errors.JaxRuntimeError, _Damaged):
        raise
    except Exception as error:
        raise _Damaged(_first_line(error)) from error


def _check_match(saved: Any, target: Any, name: str) -> None:
    # Orbax raises for another structure or shape, and silently casts another type.
    found = _by_path(saved)
    wanted = jax.tree_util.tree_leaves_with_path(target)
    for extra in sorted(set(found) - {_path(path) for path, _ in wanted}):
        raise RunError(f"expected no {extra} in {name}; it has one; the experiment has changed")
    for path, leaf in wanted:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.eval_shape(jax.random.key_data, leaf)
        expected = f"{leaf.dtype}{list(leaf.shape)}"
        if (entry := found.get(_path(path))) is None:
            raise RunError(f"expected {_path(path)} ({expected}) in {name}; it has none; the experiment has changed")
        got = f"{getattr(entry, 'dtype', type(entry).__name__)}{list(getattr(entry, 'shape', ()))}"
        if got != expected:
            raise RunError(f"expected {_path(path)} to be {expected} in {name}; got {got}; the experiment has changed")


def _in_saved_types(saved: Any, target: Any) -> Any:
    found = _by_path(saved)

    def in_saved_type(path: Any, leaf: Any) -> Any:
        saved_type = getattr(found.get(_path(path)), "dtype", None)
        if saved_type is None or not jnp.issubdtype(leaf.dtype, jnp.number):
            return leaf
        return jax.ShapeDtypeStruct(leaf.shape, saved_type, sharding=leaf.sharding)

    return jax.tree_util.tree_map_with_path(in_saved_type, target)


def _checksum(progress: Any, record: Any) -> int:
    # Orbax writes large arrays without a checksum: a bit that flipped on the disk would be trained on.
    return zlib.crc32(repr(record).encode(), checksum(progress))


def _placed(target: Any) -> Any:
    # The target states where the arrays shall lie, or orbax would take it from the file and so from another machine.
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=getattr(leaf, "sharding", None) or here),
        target,
    )


def _by_path(tree: Any) -> dict[str, Any]:
    return {_path(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def _path(path: Any) -> str:
    return ".".join(str(getattr(part, "name", getattr(part, "key", getattr(part, "idx", part)))) for part in path)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
