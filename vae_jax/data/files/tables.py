"""A table of numbers: a row is an example."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.files.labels import label_ids
from vae_jax.data.files.table_files import is_number, line_of, read_csv, read_parquet
from vae_jax.messages import did_you_mean

if TYPE_CHECKING:
    import pyarrow

_CHOOSE = "choose the columns with --data.examples, or say that these are the labels with --data.labels"


def read_table(path: Path, config: DataConfig) -> Dataset:
    """The rows of a .csv or .parquet file.

    Args:
        path: The file. Of a .csv file, the first line names the columns.
        config: Its `examples` names columns, divided by commas, and its `labels` one that is none of them.

    Returns:
        float32 of (num, columns), as it is stored: what is to be standardised is up to the model.

    Raises:
        ValueError: If it is no such file, lacks a column, or holds something else than finite numbers; the message
            names column and line.
    """
    is_csv = path.suffix.lower() == ".csv"
    table = read_csv(path) if is_csv else read_parquet(path)
    where = line_of(path) if is_csv else lambda row: f"row {row + 1}"
    if table.num_rows == 0:
        raise ValueError(f"expected rows in {path}; there are none; put some into it")
    if config.labels:
        _check_known(path, table, [config.labels], "--data.labels")
    asked = [name.strip() for name in config.examples.split(",")] if config.examples else table.column_names
    _check_known(path, table, asked, "--data.examples")
    columns = tuple(name for name in asked if name != config.labels)
    if not columns:
        raise ValueError(f"expected columns of examples in {path} beside its labels '{config.labels}'; there are none")

    examples = np.empty((table.num_rows, len(columns)), np.float32)
    for index, name in enumerate(columns):
        examples[:, index] = _numbers(path, name, table[name], where)
    labels, words = _labels(path, config.labels, table, where) if config.labels else (None, ())
    return Dataset(
        name=path.stem,
        description=f"{table.num_rows:,} rows of {len(columns)} columns from {path.name}",
        splits={"train": Split(examples, labels)},
        max_value=1,
        columns=columns,
        label_names=words,
    )


def _check_known(path: Path, table: pyarrow.Table, names: list[str], option: str) -> None:
    for name in names:
        if name not in table.column_names:
            raise ValueError(
                f"expected {option} to name columns of {path} ({', '.join(table.column_names)}); got '{name}'"
                f"{did_you_mean(name, table.column_names)}"
            )


def _numbers(path: Path, name: str, column: pyarrow.ChunkedArray, where: Callable[[int], str]) -> np.ndarray:
    import pyarrow
    from pyarrow import types

    _check_complete(path, name, column, where)
    if types.is_string(column.type) or types.is_large_string(column.type):
        words = column.to_pylist()
        row = next((row for row, word in enumerate(words) if not is_number(word)), 0)
        raise ValueError(
            f"expected numbers in column '{name}' of {path}; {where(row)} has '{words[row]}'; correct it, {_CHOOSE}"
        )
    is_numeric = types.is_integer(column.type) or types.is_floating(column.type) or types.is_boolean(column.type)
    if not is_numeric and not types.is_decimal(column.type):
        raise ValueError(f"expected numbers in column '{name}' of {path}; it is of type {column.type}; {_CHOOSE}")
    with np.errstate(over="ignore"):
        numbers = column.cast(pyarrow.float64(), safe=False).to_numpy().astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise ValueError(
            f"expected finite numbers in column '{name}' of {path}; {where(wrong[0])} has "
            f"{column[int(wrong[0])].as_py()}; correct it or leave it out"
        )
    return numbers


def _labels(
    path: Path, name: str, table: pyarrow.Table, where: Callable[[int], str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    column = table[name]
    _check_complete(path, name, column, where)
    values = column.to_numpy()
    stored = values.astype(str) if values.dtype == object else values
    ids, words = label_ids({"": stored}, f"column '{name}' of {path}")
    return ids[""], words


def _check_complete(path: Path, name: str, column: pyarrow.ChunkedArray, where: Callable[[int], str]) -> None:
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise ValueError(
            f"expected a value in every row of column '{name}' of {path}; {where(row)} has none; fill it in or leave "
            "the row out"
        )
