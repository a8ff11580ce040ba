"""Rows of a table of tests: in every check a few, which stand for their kinds; with the option `--long` all."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest


def long_but(rows: Iterable[Any] | Mapping[str, Any], *always: Any) -> list[Any]:
    """The rows for `pytest.mark.parametrize`, marked `long` but for those that every check has.

    A row with several parameters is a tuple; those of a mapping are named by its keys, and so are `always`, each of
    which has to be a row, so that one that was renamed is missed.
    """
    table = [(row, row, None) for row in rows]
    if isinstance(rows, Mapping):
        table = [(name, row, name) for name, row in rows.items()]
    if missing := [name for name in always if name not in [row[0] for row in table]]:
        raise ValueError(f"expected rows of the table; got {missing}; the rows are {[row[0] for row in table]}")
    return [
        pytest.param(
            *(row if isinstance(row, tuple) else (row,)), id=id, marks=() if name in always else pytest.mark.long
        )
        for name, row, id in table
    ]
