"""A data set by its name or path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from vae_jax.data.channels import check_channels_last
from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset
from vae_jax.data.embedded import EMBEDDED
from vae_jax.data.examples import Examples
from vae_jax.data.files.arrays import read_array_part, read_arrays
from vae_jax.data.files.images import read_images
from vae_jax.data.files.tables import read_column_part, read_table
from vae_jax.data.named_parts import with_parts_of
from vae_jax.data.place import place
from vae_jax.data.prepared.reading import read_feature, read_prepared
from vae_jax.data.source import FILES, check_used, source_of
from vae_jax.data.splits import arrange
from vae_jax.extras import told_if_missing
from vae_jax.files import expanded

READERS: dict[str, Callable[[Path, DataConfig], Dataset]] = dict(
    zip(FILES, (read_arrays, read_arrays, read_table, read_table), strict=True)
)
PART_READERS: dict[str, Callable[[Path, DataConfig, str], Mapping[str, Examples]]] = dict(
    zip(FILES, (read_array_part, read_array_part, read_column_part, read_column_part), strict=True)
)


@told_if_missing()
def load(config: DataConfig | str) -> Dataset:
    """The data that a config describes, in the splits "train", "validation" and "test".

    Args:
        config: The config, or just the name of the data, with defaults for everything else.

    Raises:
        ValueError: If there is no such data set, it cannot be read, or it has no such splits; the message names the
            file or row.
        ModuleNotFoundError: If a package that reads them is not installed.
    """
    config = DataConfig(config) if isinstance(config, str) else config
    stored = with_parts_of(_stored(config), config, partial(_part, config))
    check_channels_last(stored)
    arranged = arrange(stored, config.train, config.validation, config.test)
    return place(arranged, config.feed, config.num_workers)


def _stored(config: DataConfig) -> Dataset:
    source, path = source_of(config), expanded(config.name)
    check_used(config, source)
    if source == "embedded":
        return EMBEDDED[config.name]()
    if source == "file":
        return READERS[path.suffix.lower()](path, config)
    return read_images(path, config) if source == "folder" else read_prepared(config)


def _part(config: DataConfig, name: str) -> Mapping[str, Examples]:
    source, path = source_of(config), expanded(config.name)
    if source == "prepared":
        return read_feature(config, name)
    if source == "file":
        return PART_READERS[path.suffix.lower()](path, config, name)
    raise ValueError(f"expected 'label' in --data.parts, all that {config.name} has beside its examples; got '{name}'")
