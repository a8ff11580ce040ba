"""The data sets that TFDS has prepared and their folders, read from disk without importing TFDS."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from vae_jax.data.embedded import EMBEDDED
from vae_jax.data.prepared.names import CAN_BE_PREPARED
from vae_jax.files import expanded
from vae_jax.messages import did_you_mean


class PreparedSet(NamedTuple):
    """A version of a prepared data set."""

    name: str
    """Name in TFDS: `name`, or `name/config`."""
    version: str
    """Three numbers, such as `3.0.1`."""
    splits: Mapping[str, int]
    """Number of examples in each split."""
    path: Path
    """The folder of its files."""
    file_format: str
    """File format of the records."""
    problem: str = ""
    """Reason why the set cannot be read, in a line; empty where nothing is known to be wrong."""


def data_directory(given: str | Path = "") -> Path:
    """The folder of prepared TFDS sets: the given one, or $TFDS_DATA_DIR, or ~/tensorflow_datasets."""
    # TFDS itself reads the variable once, when it is imported.
    return expanded(given or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")


def list_prepared(directory: Path) -> list[PreparedSet]:
    """All data sets that are prepared in a directory, sorted by name, the newest version of each first.

    Args:
        directory: The directory, which need not exist.

    Raises:
        ValueError: If the directory may not be read.
    """
    try:
        paths = _version_folders(directory, depth=3) if directory.is_dir() else []
    except PermissionError as error:
        raise ValueError(
            f"expected a folder of data that may be read; {error.filename} may not; change its permissions, or give "
            "another folder"
        ) from None
    found = [_read(path, directory) for path in paths]
    return sorted(found, key=lambda each: (each.name, [-number for number in _numbers(each.version)]))


def find_prepared(name: str, directory: Path) -> PreparedSet:
    """The newest version of a prepared data set, or the one that is asked for.

    Args:
        name: `mnist`, `mnist:3.0.1`, `name/config` or `name/config:1.0.0`; the config may be left out where only one
            is prepared.
        directory: Folder of prepared sets.

    Raises:
        ValueError: If the set is not prepared there, or cannot be read; the message says how to prepare it.
    """
    prepared = list_prepared(directory)
    wanted, _, version = name.partition(":")
    named = [each for each in prepared if each.name == wanted]
    named = named or [each for each in prepared if each.name.startswith(f"{wanted}/")]
    configs = sorted({each.name for each in named})
    if len(configs) > 1:
        raise ValueError(f"expected one of {', '.join(configs)}, which are prepared in {directory}; got '{wanted}'")
    chosen = [each for each in named if not version or each.version == version]
    if not chosen:
        raise ValueError(_not_prepared(name, directory, prepared, [each.version for each in named]))
    found = chosen[0]
    if found.problem:
        raise ValueError(found.problem)
    if found.file_format != "array_record":
        raise ValueError(
            f"expected {found.name} as array_record, which is read without TensorFlow; {found.path} holds "
            f"{found.file_format}; make it anew with: {prepare_command(found.name, directory)} --overwrite"
        )
    return found


def prepare_command(name: str, directory: Path) -> str:
    """The command line that prepares a data set."""
    base, config, _ = re.split(r"[/:]|$", f"{name}//", maxsplit=2)
    has_recipe = base in CAN_BE_PREPARED
    install = "" if has_recipe else "pip install 'vae-jax[tf]' && "
    asked = base if has_recipe or not config else f"{base}/{config}"
    return f"{install}vae-jax data prepare {shlex.quote(asked)} --dir {shlex.quote(str(directory))}"


def _not_prepared(name: str, directory: Path, prepared: list[PreparedSet], versions: list[str]) -> str:
    if versions:
        return f"expected a version of {name.partition(':')[0]} that is prepared ({', '.join(versions)}); got '{name}'"
    names = list(dict.fromkeys(each.name for each in prepared))
    there = f"which holds {', '.join(names) or 'none'}" if directory.is_dir() else "which does not exist"
    has_recipe = name.partition(":")[0] in CAN_BE_PREPARED
    hint = "" if has_recipe else did_you_mean(name, [*EMBEDDED, *names, *CAN_BE_PREPARED])
    way = "prepare it with" if has_recipe else "if TFDS knows it, prepare it with"
    return (
        f"expected a data set that is embedded ({', '.join(EMBEDDED)}) or prepared in {directory}, {there}; "
        f"got '{name}'{hint}; {way}: {prepare_command(name, directory)}"
    )


def _version_folders(folder: Path, depth: int) -> list[Path]:
    """The folders of data sets down to a depth: each is named like a version and holds a description."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_dir():
            continue
        if re.fullmatch(r"\d+\.\d+\.\d+", path.name):
            if (path / "dataset_info.json").exists():
                found.append(path)
        elif depth > 1 and path.name != "downloads":
            found += _version_folders(path, depth - 1)
    return found


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _read(path: Path, directory: Path) -> PreparedSet:
    name = path.parent.relative_to(directory).as_posix()
    file = path / "dataset_info.json"
    splits, file_format, problem = {}, "unknown", ""
    try:
        info = json.loads(file.read_text("utf-8"))
        splits = {split["name"]: sum(map(int, split["shardLengths"])) for split in info["splits"]}
        file_format = info.get("fileFormat", "tfrecord")
    except PermissionError:
        problem = f"expected a file that may be read; {file} may not; change its permissions"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        problem = (
            f"expected the description of a prepared data set; {file} is damaged; make it anew with: "
            f"{prepare_command(name, directory)} --overwrite"
        )
    return PreparedSet(name, path.name, splits, path, file_format, problem)
