"""Preparing a data set: originals become a folder that TFDS reads, which is complete or does not exist."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from vae_jax.data.config import DataConfig
from vae_jax.data.prepared.reading import read_prepared
from vae_jax.data.prepared.sets import list_prepared
from vae_jax.extras import not_installed
from vae_jax.prepare.builder import write
from vae_jax.prepare.originals import downloaded, given, source_in
from vae_jax.prepare.progress import tenths
from vae_jax.prepare.recipe import Recipe, Source
from vae_jax.prepare.recipes import RECIPES
from vae_jax.prepare.with_tensorflow import prepare_with_tensorflow

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def prepare(
    name: str,
    *,
    data_dir: Path,
    from_dir: Path | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Prepare a data set, by our recipe or, where there is none, by TFDS's own builder, which needs TensorFlow.

    Args:
        name: Name of a recipe, or of a data set of TFDS.
        data_dir: Folder of prepared data sets.
        from_dir: The folder of the originals; None to download them.
        overwrite: Make the data set anew where it is already prepared.
        say: Called with what is done, a line at a time.

    Returns:
        The folder of the version.

    Raises:
        ValueError: If the originals are missing or not those that were published, or a package is missing.
        OSError: If a download fails, nothing may be written, or there is no space; nothing half-made is left.
    """
    if name in RECIPES:
        return prepare_recipe(RECIPES[name], data_dir=data_dir, from_dir=from_dir, overwrite=overwrite, say=say)
    return prepare_with_tensorflow(name, data_dir=data_dir, from_dir=from_dir, overwrite=overwrite, say=say)


def prepare_recipe(
    recipe: Recipe, *, data_dir: Path, from_dir: Path | None, overwrite: bool, say: Callable[[str], None]
) -> Path:
    """Prepare a data set by a recipe, with the arguments, result and errors of `prepare`."""
    if recipe.package and importlib.util.find_spec(recipe.package) is None:
        raise ValueError(not_installed(recipe.package))
    sources = recipe.sources if from_dir is None else (source_in(recipe, from_dir),)
    there = [path for path in (data_dir / _place(recipe, source) for source in sources) if _is_prepared(path, data_dir)]
    if there and not overwrite:
        say(f"{recipe.name} is prepared in {there[0]}; --overwrite makes it anew")
        return there[0]
    with _errors_in_a_line(data_dir), _workspace(recipe, data_dir) as workspace:
        if from_dir is not None:
            (source,) = sources
            paths = given(recipe, source, from_dir)
        else:
            source = recipe.published
            paths = downloaded(recipe, source, data_dir / "downloads" / "vae_jax" / recipe.name, say)
        say(f"preparing {sum(source.splits.values()):,} examples of {recipe.name}")
        progress = tenths(lambda percent, _: say(f"{recipe.name}: {percent} % written"))
        written = write(recipe, source, source.read(*paths), workspace, progress)
        _check(recipe, source, workspace)
        path = data_dir / _place(recipe, source)
        _put(written, path, workspace / "old")
    say(f"{recipe.name} is prepared in {path}")
    return path


def _place(recipe: Recipe, source: Source) -> Path:
    return Path(recipe.name, source.config, recipe.version)


def _is_prepared(path: Path, data_dir: Path) -> bool:
    return any(found.path == path and not found.problem for found in list_prepared(data_dir))


@contextlib.contextmanager
def _workspace(recipe: Recipe, data_dir: Path) -> Iterator[Path]:
    """An empty folder on the same file system, which is removed afterwards.

    A killed process leaves it behind; it does not look like a data set, and the next call empties it.
    """
    folder = data_dir / ".preparing"
    folder.mkdir(parents=True, exist_ok=True)
    workspace = folder / recipe.name
    try:
        with FileLock(folder / f"{recipe.name}.lock", timeout=0):
            shutil.rmtree(workspace, ignore_errors=True)
            workspace.mkdir()
            try:
                yield workspace
            finally:
                shutil.rmtree(workspace, ignore_errors=True)
    except Timeout:
        raise ValueError(
            f"expected nobody else to prepare {recipe.name} in {data_dir}; another process does; wait for it"
        ) from None


def _check(recipe: Recipe, source: Source, workspace: Path) -> None:
    """Read what was written, and check that every split is as long as it must be."""
    dataset = read_prepared(DataConfig(recipe.name, dir=str(workspace)))
    sizes = {name: len(split.examples) for name, split in dataset.splits.items()}
    if sizes != dict(source.splits):
        raise ValueError(
            f"expected {_counted(source.splits)} examples of {recipe.name}; its originals hold {_counted(sizes)}"
        )


def _counted(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{num:,} {name}" for name, num in splits.items())


def _put(written: Path, path: Path, aside: Path) -> None:
    """Move the written folder to its place; a folder that is already there is moved aside, and back if that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        os.replace(path, aside)
    try:
        os.replace(written, path)
    except BaseException:
        if aside.exists():
            os.replace(aside, path)
        raise


@contextlib.contextmanager
def _errors_in_a_line(data_dir: Path) -> Iterator[None]:
    """Turn refusals of the operating system into an error of one line that names the folder."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        number = _number_of(error)
        if number in _NO_SPACE:
            raise OSError(f"no space left in {data_dir}; free some, or give another folder with --dir") from None
        if number in _NOT_ALLOWED:
            folder = getattr(error, "filename", None) or data_dir
            raise OSError(f"expected a folder that may be written; {folder} may not; give another with --dir") from None
        raise


def _number_of(error: OSError | RuntimeError) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    # array_record reports the error of the system in words alone.
    return next((number for number in _NO_SPACE | _NOT_ALLOWED if os.strerror(number) in str(error)), None)
