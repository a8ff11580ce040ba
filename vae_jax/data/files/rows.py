"""Rows of a table, written to a file that `read_table` reads as the same values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vae_jax.data.columns import Column, decode
from vae_jax.extras import told_if_missing
from vae_jax.files import write_bytes
from vae_jax.messages import UsageError

KINDS = (".csv", ".parquet")
"""Suffixes of the files."""


def values_of(columns: Sequence[Column], rows: np.ndarray) -> dict[str, np.ndarray]:
    """The values of rows by the names of their columns, each in its kind.

    Args:
        columns: The description of each column.
        rows: (num, columns), as a model draws them, in units of the stored numbers.

    Raises:
        UsageError: If a row holds anything but finite numbers, as those of a model do that diverged.
    """
    is_wrong = ~np.isfinite(rows).all(axis=0)
    if is_wrong.any():
        name = columns[int(np.argmax(is_wrong))].name
        raise UsageError(
            f"expected finite numbers in column '{name}' of the rows; the model gives others; train it anew, or take "
            "another checkpoint with --select"
        )
    return {column.name: decode(column, rows[:, index]) for index, column in enumerate(columns)}


@told_if_missing()
def write_rows(path: Path, values: Mapping[str, np.ndarray]) -> None:
    """Write the values of a table to a .csv or .parquet file, whole or not at all.

    In a .csv file names and words stand in quotes, and numbers have as many digits as it takes to read them back as
    they were.

    Args:
        path: The file.
        values: Name -> values of (num,).
    """
    write_bytes(path, _parquet(values) if path.suffix.lower() == ".parquet" else _csv(values))


def _csv(values: Mapping[str, np.ndarray]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(values)
    writer.writerows(zip(*values.values(), strict=True))
    return text.getvalue().encode()


def _parquet(values: Mapping[str, np.ndarray]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table({name: pyarrow.array(column) for name, column in values.items()}), buffer)
    return buffer.getvalue()
