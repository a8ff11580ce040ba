"""A table: a row is an example, and its columns are of kinds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_jax.data.column_kinds import described, kinds_of, names_of
from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Examples
from vae_jax.data.files.labels import label_ids
from vae_jax.data.files.table_files import Table, is_numeric, is_of_words, read_csv, read_parquet
from vae_jax.data.named_parts import named_parts
from vae_jax.data.typed import typed

if TYPE_CHECKING:
    import pyarrow

_CHOOSE = "choose the columns with --data.examples"
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,(\d{1,2}|\d{4,})")  # three digits after it may be thousands


def read_table(path: Path, config: DataConfig) -> Dataset:
    """The rows of a .csv or .parquet file.

    Columns without a name that are empty or count the rows, and the index of a pandas table, are left out.

    Args:
        path: The file. The first line of a .csv file names the columns.
        config: Its `examples` names columns, separated by commas, and its `labels` another column; its `kinds` says
            what kinds of columns they are, where the rule of `column_kinds` would say otherwise.

    Returns:
        int32 of (num, columns) where all columns hold whole numbers, else float32, as `columns` describes them; the
        model decides what is standardised.

    Raises:
        ValueError: If it is not such a file, lacks a column, or holds a value that is missing or not of its column's
            kind; the message names column and line.
    """
    kinds = kinds_of(config.kinds)
    table = _open(path, config)
    if table.num_rows == 0:
        raise ValueError(f"expected rows in {path}; there are none; put some into it")
    if config.labels:
        table.check_known([config.labels], "--data.labels")
    if table.nameless and not config.examples:
        raise ValueError(
            f"expected a name for every column of {path}; column {table.nameless[0]} has none; name it, or {_CHOOSE}"
        )
    asked = names_of(config.examples) if config.examples else [c for c in table.columns if c not in table.index]
    table.check_known(asked, "--data.examples")
    taken = {config.labels, *(name for names in named_parts(config).values() for name in _columns_of_part(names))}
    names = [name for name in asked if name not in taken]
    if not names:
        beside = f"beside its labels '{config.labels}'" if taken == {config.labels} else "beside its labels and parts"
        raise ValueError(f"expected columns of examples in {path} {beside}; there are none")

    arrays = {name: _values(table, name) for name in names}
    found = typed({"train": arrays}, kinds, of=str(path), where=table.where, max_value=config.max_value)
    labels, words = _labels(table, config.labels) if config.labels else (None, ())
    without = f", without {' and '.join(table.left_out)}" if table.left_out and not config.examples else ""
    return Dataset(
        name=path.stem,
        description=f"{table.num_rows:,} rows of {len(found.columns)} columns from {path.name}{without}",
        splits={"train": Split(found.rows["train"], labels)},
        max_value=found.values.max_value,
        columns=found.columns,
        label_names=words,
        values=found.values.words,
    )


def read_column_part(path: Path, config: DataConfig, name: str) -> dict[str, Examples]:
    """The values of a column, or of several with + between, as a part of the examples.

    Returns:
        float32 of (num,), or of (num, columns) for several; for a column of words int32, numbered as labels are.

    Raises:
        ValueError: As in `read_table`.
    """
    table = _open(path, config)
    names = _columns_of_part(name)
    table.check_known(names, "--data.parts")
    if len(names) == 1 and not is_numeric(table.columns[name].type):
        return {"train": _labels(table, name)[0]}
    kinds = dict.fromkeys(names, "real")
    _, rows = described({column: _values(table, column) for column in names}, kinds, of=str(path), where=table.where)
    return {"train": rows[:, 0] if len(names) == 1 else rows}


def _open(path: Path, config: DataConfig) -> Table:
    if path.suffix.lower() == ".parquet":
        return read_parquet(path)
    words = [name for name, kind in kinds_of(config.kinds).items() if kind == "category"]
    return read_csv(path, config.separator, config.decimal, words)


def _columns_of_part(name: str) -> list[str]:
    return [column.strip() for column in name.split("+")]


def _values(table: Table, name: str) -> np.ndarray:
    """The values of a column: numbers, booleans, words or dates, none of them missing."""
    from pyarrow import types

    column = _complete(table, name)
    kind = column.type
    if types.is_decimal(kind):
        column = column.cast("float64", safe=False)
    if types.is_date64(kind):
        column = column.cast("timestamp[ms]")
    if is_numeric(kind) or types.is_date(kind) or types.is_timestamp(kind):
        return column.to_numpy()
    if not is_of_words(kind):
        raise ValueError(
            f"expected numbers, words or dates in column '{name}' of {table.path}; it is of type {kind}; {_CHOOSE}, or "
            "say that these are the labels with --data.labels"
        )
    words = column.to_numpy()
    if all(map(_DECIMAL_COMMA.fullmatch, words)):
        raise ValueError(
            f"expected numbers with a point in column '{name}' of {table.path}; {table.where(0)} has '{words[0]}'; "
            "give --data.decimal ,"
        )
    return words


def _labels(table: Table, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    values = _complete(table, name).to_numpy()
    stored = values.astype(str) if values.dtype == object else values
    ids, words = label_ids({"": stored}, f"column '{name}' of {table.path}")
    return ids[""], words


def _complete(table: Table, name: str) -> pyarrow.ChunkedArray:
    """A column, its words as such even if they were stored as codes, none of its values missing or blank."""
    from pyarrow import compute, types

    column = table.columns[name]
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    is_missing = None
    if column.null_count:
        is_missing = column.is_null()
    elif is_of_words(column.type):
        is_missing = compute.equal(compute.utf8_trim_whitespace(column), "")  # pyright: ignore
    if is_missing is not None and (rows := np.flatnonzero(is_missing.to_numpy())).size:
        raise ValueError(
            f"expected a value in every row of column '{name}' of {table.path}; {table.where(rows[0])} has none; fill "
            "it in or leave the row out"
        )
    return column
