"""Sources of data, by the name in a config; nothing heavy is imported to report data that do not exist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from vae_jax.data.config import DataConfig
from vae_jax.data.embedded import EMBEDDED
from vae_jax.data.files.images import SUFFIXES
from vae_jax.data.prepared.names import CAN_BE_PREPARED
from vae_jax.data.prepared.sets import data_directory, find_prepared
from vae_jax.files import expanded

FILES = (".npy", ".npz", ".csv", ".parquet")
"""Suffixes of data files."""


_BY_HAND = "read it by {} in data(config) of an experiment file, for vj.data.from_object, or save its arrays as .npz"
_ADVICE = {
    (".h5", ".hdf5", ".hdf"): ("an HDF5 file", _BY_HAND.format("h5py.File")),
    (".mat",): ("a MATLAB file", _BY_HAND.format("scipy.io.loadmat (from version 7.3 on, h5py.File)")),
    (".pkl", ".pickle", ".pt", ".pth", ".joblib"): (
        "a pickle, which may run any code when it is opened, so it is not",
        "if you trust it, open it yourself and save its arrays by numpy.savez",
    ),
    (".xls", ".xlsx", ".ods"): ("a spreadsheet", "save it as .csv"),
    (".tsv", ".tab", ".txt", ".dat"): ("a text file", "save a table with commas as .csv"),
    (".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".rar"): ("an archive", "unpack it"),
    SUFFIXES: ("a single image", "name its folder"),
}
"""Suffixes of files that are not read -> what they are, and what to do."""


def as_begun(config: DataConfig, folder: Path) -> DataConfig:
    """The config with relative paths as they were meant in a folder, where there still is something.

    A run is resumed and evaluated from any folder. Where it was moved together with its data, nothing is found there,
    and a path is again relative to the present folder.

    Args:
        config: The config of the run.
        folder: The folder in which the run was begun.
    """
    is_known = config.name in EMBEDDED or config.name in CAN_BE_PREPARED
    paths = {"dir": config.dir} | ({} if is_known else {"name": config.name})
    there = {field: Path(folder, expanded(path)) for field, path in paths.items() if path}
    return replace(config, **{field: str(path) for field, path in there.items() if path.exists()})


def source_of(config: DataConfig) -> Literal["embedded", "file", "folder", "prepared"]:
    """The kind of source that a config names.

    Raises:
        ValueError: If there is no such data set, file or folder; the message says how to make it.
    """
    if config.name in EMBEDDED:
        return "embedded"
    path = expanded(config.name)
    is_path = path.suffix or "/" in config.name
    if is_path and path.suffix.lower() not in FILES and path.exists() and not path.is_dir():
        raise ValueError(
            f"expected a folder of images, or a file ({', '.join(FILES)}); {path} is {_kind_and_advice(path)}"
        )
    if path.suffix.lower() in FILES:
        if not path.is_file():
            raise ValueError(f"expected a file of data; there is none at {path}")
        return "file"
    if path.is_dir() and config.name not in CAN_BE_PREPARED:
        return "folder"
    if config.name.startswith((".", "~", "/")):
        raise ValueError(f"expected a folder of images, or a file ({', '.join(FILES)}); there is none at {path}")
    find_prepared(config.name, data_directory(config.dir))
    return "prepared"


_USED = {
    "an embedded set": frozenset[str](),
    "a folder of images": frozenset({"image_size", "colour", "max_value"}),
    "a prepared set": frozenset({"examples", "labels", "max_value"}),
    ".npy": frozenset({"max_value"}),
    ".npz": frozenset({"examples", "labels", "max_value"}),
    ".csv": frozenset({"examples", "labels", "kinds", "separator", "decimal", "max_value"}),
    ".parquet": frozenset({"examples", "labels", "kinds", "max_value"}),
}
"""Source, or suffix of a file -> the fields of a config that say how it is read."""


def check_used(config: DataConfig, source: str) -> None:
    """Check that a config asks for nothing that its source knows not to do.

    Args:
        config: The config.
        source: The kind of its source, as of `source_of`.

    Raises:
        ValueError: If a field differs from its default, and nobody would look at it.
    """
    names = {"embedded": "an embedded set", "folder": "a folder of images", "prepared": "a prepared set"}
    kind = names.get(source) or expanded(config.name).suffix.lower()
    for name in sorted(frozenset[str]().union(*_USED.values()) - _USED[kind]):
        if getattr(config, name) != getattr(DataConfig(), name):
            option, users = f"--data.{name.replace('_', '-')}", (other for other, used in _USED.items() if name in used)
            raise ValueError(
                f"expected no {option} for {config.name}; it is for {', '.join(users)} alone; leave it out"
            )


def _kind_and_advice(path: Path) -> str:
    suffix = path.suffix.lower()
    kind, advice = next(
        (found for suffixes, found in _ADVICE.items() if suffix in suffixes),
        (f"a {suffix} file" if suffix else "a file without an ending", _BY_HAND.format("its own reader")),
    )
    return f"{kind}; {advice}"
