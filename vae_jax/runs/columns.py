"""The columns of a run's table: the same number in another table may stand for another word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vae_jax.data.columns import Column, column_from
from vae_jax.messages import UsageError


def check_columns(recorded: Sequence[dict[str, Any]] | None, columns: Sequence[Column], path: Path) -> None:
    """Check that a table has the columns, of the same kinds and words, that a run was started with.

    Args:
        recorded: The `columns` at the start; None for a run of an earlier version, which did not record them.
        columns: The columns of the present table, which may have other bounds.
        path: The run's directory, for the message.

    Raises:
        UsageError: If a column differs; the message names it.
    """
    if recorded is None:
        return
    then = [replace(column_from(record), bounds=None) for record in recorded]
    now = [replace(column, bounds=None) for column in columns]
    if then == now:
        return
    before, here = ([column.name for column in columns] for columns in (then, now))
    if before != here:
        name = next(iter(sorted(set(before) ^ set(here))), "")
        how = f"which differ in '{name}'" if name else "in another order"
        differs = f"of {len(before)} columns; got {len(here)}, {how}"
    else:
        was, column = next((was, column) for was, column in zip(then, now, strict=True) if was != column)
        differs = f"with column {_in_full(was)}; got {_in_full(column)}"
    raise UsageError(
        f"expected the table of the run in {path}, {differs}; bring back the file as it was, or train a new run"
    )


def _in_full(column: Column) -> str:
    return f"{column.in_words()} from {column.origin:g}" if column.origin else column.in_words()
