"""Rows of a table of tests: in every check a few, which stand for their kinds; with the option `--long` all."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest


def long_but(rows: Iterable[Any], *always: Any) -> list[Any]:
    """The rows for `pytest.mark.parametrize`, marked `long` but for those that every check has.

    A row with several parameters is a tuple. Every one of `always` has to be a row, so that a renamed one is missed.
    """
    rows = list(rows)
    _check_there(rows, always)
    return [
        pytest.param(*(row if type(row) is tuple else (row,)), marks=() if row in always else pytest.mark.long)
        for row in rows
    ]


def named_long_but(table: Mapping[str, Any], *always: str) -> list[Any]:
    """The values of a table by their names, marked `long` but for those whose names are given."""
    _check_there(list(table), always)
    return [
        pytest.param(
            *(value if type(value) is tuple else (value,)), id=name, marks=() if name in always else pytest.mark.long
        )
        for name, value in table.items()
    ]


def _check_there(rows: list[Any], always: tuple[Any, ...]) -> None:
    if missing := [row for row in always if row not in rows]:
        raise ValueError(f"expected rows of the table; got {missing}; the rows are {rows}")
