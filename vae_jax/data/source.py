"""Sources of data, by the name in a config; nothing heavy is imported to report data that do not exist."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vae_jax.data.config import DataConfig
from vae_jax.data.embedded import EMBEDDED
from vae_jax.data.prepared.names import CAN_BE_PREPARED
from vae_jax.data.prepared.sets import data_directory, find_prepared

FILES = (".npy", ".npz", ".csv", ".parquet")
"""Suffixes of data files."""


def source_of(config: DataConfig) -> Literal["embedded", "file", "folder", "prepared"]:
    """The kind of source that a config names.

    Raises:
        ValueError: If there is no such data set, file or folder; the message says how to make it.
    """
    if config.name in EMBEDDED:
        return "embedded"
    path = Path(config.name).expanduser()
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
