"""Reading checkpoints. It changes nothing on the disk: what is found to be damaged is the caller's to deal with."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from orbax.checkpoint import v1 as ocp

from vae_jax.messages import RunError
from vae_jax.parallel import hosts
from vae_jax.training.checksum import checksum
from vae_jax.training.damage import Damaged, reading


def steps_in(directory: Path) -> list[int]:
    """The steps that have checkpoints in a directory, ascending. A save that did not end has another kind of name."""
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal())


def read_latest(
    directory: Path,
    target: Any,
    passed_over: Callable[[int, Damaged], None],
    *,
    record_type: Any,
    keeps_types: bool = False,
) -> tuple[Any, Any] | None:
    """The newest checkpoint that is not damaged, on all hosts alike, and its record; None if there is none.

    Args:
        directory: The directory of the checkpoints.
        target: As for `read`.
        passed_over: Called with the step of each damaged checkpoint that is met, and with what is wrong with it.
        record_type: As for `read`.
        keeps_types: As for `read`.

    Raises:
        RunError: As in `read`.
    """
    for step in reversed(steps_in(directory)):
        found, problem = None, None
        try:
            found = read(directory, step, target, record_type=record_type, keeps_types=keeps_types)
        except Damaged as error:
            problem = error
        if not hosts.any_of(found is None):
            return found
        passed_over(step, problem or Damaged("another host cannot read it"))
    return None


def read(directory: Path, step: int, target: Any, *, record_type: Any, keeps_types: bool = False) -> tuple[Any, Any]:
    """The progress and the record in the checkpoint of a step.

    Args:
        directory: The directory of the checkpoints.
        step: The step.
        target: Abstract arrays of the shapes and types expected; where they have a sharding, the arrays are placed by
            it, else on this process's first device.
        record_type: Type of the record, with `from_json`.
        keeps_types: Whether numbers are read in the precision that they were saved in, whatever the target's.

    Raises:
        Damaged: If its files are not as they were written.
        RunError: If it holds other shapes or types, or cannot be read for a reason that lies outside of it.
    """
    path, name = directory.absolute() / str(step), f"checkpoint {step} in {directory.absolute()}"
    with reading(name, only_files=True):
        described, saved_record = _description(path)
        if described is None:
            _loaded(path, target)  # raises the reason, which orbax keeps to itself until it loads
            described, _ = _description(path)
        if described is None:
            raise Damaged("its description cannot be read")
        saved_checksum = saved_record.pop("checksum")
        record = record_type.from_json(saved_record)
    target = _in_saved_types(described, target) if keeps_types else target
    _check_match(described, target, name)
    with reading(name, only_files=False):
        progress = _loaded(path, target)
    if saved_checksum != checksum_of(progress, record):
        raise Damaged("its contents are not those that were saved")
    return progress, record


def read_for_a_look(
    directory: Path, target: Any, *, record_type: Any, keeps_types: bool = False
) -> tuple[Any, Any] | None:
    """`read_latest` for whoever changes nothing: a line on stderr for each damaged checkpoint, which stays where it is.

    Raises:
        RunError: As in `read`, or if there are checkpoints and all are damaged.
    """
    found = read_latest(directory, target, _say_damaged, record_type=record_type, keeps_types=keeps_types)
    if found is None and (steps_in(directory) or (directory.parent / "damaged").exists()):
        raise RunError(
            f"expected a checkpoint in {directory} that can be read; there is none; train anew with --overwrite"
        )
    return found


def read_step(
    directory: Path, step: int, target: Any, *, record_type: Any, keeps_types: bool = False
) -> tuple[Any, Any]:
    """`read` for a step that has to be there.

    Raises:
        RunError: As in `read`, or if the checkpoint is damaged.
    """
    try:
        return read(directory, step, target, record_type=record_type, keeps_types=keeps_types)
    except Damaged as error:
        raise RunError(
            f"expected checkpoint {step} in {directory}; it cannot be read ({error}); "
            "take the latest one: --select latest"
        ) from error


def _say_damaged(step: int, error: Damaged) -> None:
    print(f"checkpoint {step} is damaged ({error}); the one before it is taken", file=sys.stderr)


def damage_of_record(directory: Path, step: int) -> Damaged | None:
    """The damage of a checkpoint's record, which orbax reads whenever it lists checkpoints; None if it is whole.

    Raises:
        RunError: If it cannot be read for a reason that lies outside of it.
    """
    try:
        with reading(f"checkpoint {step} in {directory}", only_files=True):
            _description(directory / str(step))
    except Damaged as damage:
        return damage
    return None


def _description(path: Path) -> tuple[Any, dict[str, Any]]:
    """Shapes and types of the arrays of a checkpoint, None if orbax cannot read them; and its record."""
    metadata = ocp.checkpointables_metadata(str(path))
    if not metadata.custom_metadata:
        (path / "_CHECKPOINT_METADATA").read_bytes()  # raises what has kept orbax from reading it
        raise Damaged("its record cannot be read")
    return metadata.metadata.get("progress"), dict(metadata.custom_metadata)  # pyright: ignore


def _loaded(path: Path, target: Any) -> Any:
    with _precision_in_every_thread():
        return ocp.load_checkpointables(str(path), {"progress": _placed(target)})["progress"]


def checksum_of(progress: Any, record: Any) -> int:
    """The checksum that a checkpoint has of its arrays and its record."""
    # Orbax writes large arrays without a checksum: a bit that flipped on the disk would be trained on.
    return zlib.crc32(repr(record).encode(), checksum(progress))


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
