"""The data sets of a sweep: each read once, for all lanes that have it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from vae_jax.catalogue import ExperimentFile
from vae_jax.data.dataset import Dataset
from vae_jax.runs.data_paths import data_as_begun
from vae_jax.runs.wiring import load_data


class _Loaded(NamedTuple):
    config: Any
    read: set[str]
    """Attributes that were read of it to make the data, and that the data read since."""
    dataset: Dataset

    @property
    def fields(self) -> frozenset[str]:
        """The fields that were read: all of them, if something was read that may be made of any."""
        fields = {field.name for field in dataclasses.fields(self.config)}
        is_made_of_any = self.read & (getattr(self.config, "__dict__", {}).keys() - fields | {"__dict__"})
        return frozenset(fields if is_made_of_any else self.read & fields)


class DataSets:
    """The data of an experiment's configs, each set read once.

    `data(config)` is given plain values, never traced ones, and the fields that it reads are noted: configs that are
    equal in them have the same data, whatever else they differ in.

    Args:
        file: The experiment's file.
        folder: The folder in which the sweep was begun; None for the present one.
    """

    def __init__(self, file: ExperimentFile, folder: str | None = None) -> None:
        self._file = file
        self._folder = folder
        self._loaded: list[_Loaded] = []

    def of(self, config: Any) -> Dataset:
        """The data of a config.

        Raises:
            UsageError: If the file makes no data of the config.
        """
        return self._find(config).dataset

    def fields_read(self, config: Any) -> frozenset[str]:
        """The fields that the data of a config depend on; a part such as `data` stands for all of its fields.

        Raises:
            UsageError: If the file makes no data of the config.
        """
        return self._find(config).fields

    def _find(self, config: Any) -> _Loaded:
        for known in self._loaded:
            if all(getattr(known.config, name) == getattr(config, name) for name in known.fields):
                return known
        noting, read = _noting(data_as_begun(config, self._folder))
        dataset = load_data(self._file._replace(data=lambda config: self._file.data(noting)), config)
        self._loaded.append(_Loaded(config, read, dataset))
        return self._loaded[-1]


def depend_on(names: frozenset[str], swept: Mapping[str, Any]) -> list[str]:
    """The swept fields, by dotted names, that are among fields or in parts of these names.

    Example:
        >>> depend_on(frozenset({"data", "size"}), {"data.name": "digits", "size": 3, "beta": 1.0})
        ['data.name', 'size']
    """
    return [name for name in swept if name.partition(".")[0] in names]


def _noting(config: Any) -> tuple[Any, set[str]]:
    """A copy of a config, and the set in which it notes the attributes that are read of it."""
    read: set[str] = set()

    class Noting(type(config)):
        def __getattribute__(self, name: str) -> Any:
            read.add(name)
            return super().__getattribute__(name)

    copy = object.__new__(Noting)
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    for name, value in (values | getattr(config, "__dict__", {})).items():
        object.__setattr__(copy, name, value)
    return copy, read
