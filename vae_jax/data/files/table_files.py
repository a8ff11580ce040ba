"""Files of tables, as Arrow tables with a name for each column."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow

_LARGEST_BLOCK = 2**31 - 1


def read_csv(path: Path) -> pyarrow.Table:
    """The table of a .csv file, whose first line names the columns.

    Raises:
        ValueError: If it is not a table, lacks such a line, or its lines differ in length; the message names the line.
    """
    import pyarrow
    from pyarrow import csv as arrow

    ragged: list[arrow.InvalidRow] = []

    def on_ragged(row: arrow.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    # The type of a column is inferred from the first block, so the file is read as one block.
    block_size = min(max(path.stat().st_size, 1), _LARGEST_BLOCK)
    try:
        table = arrow.read_csv(
            path,
            read_options=arrow.ReadOptions(block_size=block_size, use_threads=False),
            parse_options=arrow.ParseOptions(newlines_in_values=True, invalid_row_handler=on_ragged),
        )
    except pyarrow.ArrowInvalid as error:
        if ragged:
            row = ragged[0]
            raise ValueError(
                f"expected {row.expected_columns} values in every line of {path}, as there are columns; "
                f"{line_of(path)(row.number - 2)} has {row.actual_columns}; correct it"
            ) from None
        reason = str(error).partition("\n")[0]
        raise ValueError(f"expected a table in {path}; it cannot be read ({reason}); correct it") from None
    if all(is_number(name) for name in table.column_names):
        raise ValueError(
            f"expected the names of the columns in line 1 of {path}; it has {', '.join(table.column_names[:3])}; put a "
            "line of names before it"
        )
    return _with_distinct_names(path, table)


def read_parquet(path: Path) -> pyarrow.Table:
    """The table of a .parquet file.

    Raises:
        ValueError: If the file is not a Parquet file, or is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        return _with_distinct_names(path, parquet.read_table(path))
    except (pyarrow.ArrowException, OSError):
        raise ValueError(f"expected a Parquet file; {path} is none, or is damaged; write it again") from None


def _with_distinct_names(path: Path, table: pyarrow.Table) -> pyarrow.Table:
    names = [name.strip() for name in table.column_names]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"expected columns of different names in {path}; there are two '{twice[0]}'; rename one")
    return table.rename_columns(names)


def line_of(path: Path) -> Callable[[int], str]:
    """A function from row to line of a .csv file: empty lines are not rows, quoted values may span several lines."""

    def where(row: int) -> str:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.reader(file)
            lines = (reader.line_num for record in reader if record)
            return f"line {next(itertools.islice(lines, int(row) + 1, None))}"

    return where


def is_numeric(kind: pyarrow.DataType) -> bool:
    """Whether a column of this type holds numbers."""
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)


def is_number(word: str) -> bool:
    """Whether a word can be read as a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True
