"""A table of numbers: a row is an example."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Examples
from vae_jax.data.files.labels import label_ids
from vae_jax.data.files.table_files import is_number, is_numeric, line_of, read_csv, read_parquet
from vae_jax.data.named_parts import named_parts
from vae_jax.data.values import values_in
from vae_jax.messages import did_you_mean

if TYPE_CHECKING:
    import pyarrow

_CHOOSE = "choose the columns with --data.examples, or say that these are the labels with --data.labels"


def read_table(path: Path, config: DataConfig) -> Dataset:
    """The rows of a .csv or .parquet file.

    Args:
        path: The file. The first line of a .csv file names the columns.
        config: Its `examples` names columns, separated by commas, and its `labels` another column.

    Returns:
        (num, columns), as stored: int32 where all columns hold whole numbers, else float32; the model decides what is
        standardised.

    Raises:
        ValueError: If it is not such a file, lacks a column, or holds anything but finite numbers; the message names
            column and line.
    """
    table, where = _open(path)
    if table.num_rows == 0:
        raise ValueError(f"expected rows in {path}; there are none; put some into it")
    if config.labels:
        _check_known(path, table, [config.labels], "--data.labels")
    asked = _names(config.examples) if config.examples else table.column_names
    _check_known(path, table, asked, "--data.examples")
    taken = {config.labels, *(name for names in named_parts(config).values() for name in _columns_of_part(names))}
    columns = tuple(name for name in asked if name not in taken)
    if not columns:
        beside = f"beside its labels '{config.labels}'" if taken == {config.labels} else "beside its labels and parts"
        raise ValueError(f"expected columns of examples in {path} {beside}; there are none")

    examples = np.stack([_numbers(path, name, table[name], where) for name in columns], axis=1)
    labels, words = _labels(path, config.labels, table, where) if config.labels else (None, ())
    values = values_in({str(path): examples}, config.max_value)
    return Dataset(
        name=path.stem,
        description=f"{table.num_rows:,} rows of {len(columns)} columns from {path.name}",
        splits={"train": Split(values.keep(examples), labels)},
        max_value=values.max_value,
        columns=columns,
        label_names=words,
        values=values.words,
    )


def read_column_part(path: Path, config: DataConfig, name: str) -> dict[str, Examples]:
    """The values of a column, or of several with + between, as a part of the examples.

    Returns:
        float32 of (num,), or of (num, columns) for several; for a column of words int32, numbered as labels are.

    Raises:
        ValueError: As in `read_table`.
    """
    table, where = _open(path)
    columns = _columns_of_part(name)
    _check_known(path, table, columns, "--data.parts")
    if len(columns) == 1 and not is_numeric(table[name].type):
        return {"train": _labels(path, name, table, where)[0]}
    values = [_numbers(path, column, table[column], where) for column in columns]
    return {"train": values[0] if len(columns) == 1 else np.stack(values, axis=1)}


def _open(path: Path) -> tuple[pyarrow.Table, Callable[[int], str]]:
    if path.suffix.lower() == ".csv":
        return read_csv(path), line_of(path)
    return read_parquet(path), lambda row: f"row {row + 1}"


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",")]


def _columns_of_part(name: str) -> list[str]:
    return [column.strip() for column in name.split("+")]


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
    if not is_numeric(column.type):
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
