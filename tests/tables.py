"""Rows of a table of tests: in every check a few, which stand for their kinds; with the option `--long` all."""

from collections.abc import Iterable
from typing import Any

import pytest


def long_but(rows: Iterable[Any], *always: Any) -> list[Any]:
    """The rows for `pytest.mark.parametrize`, marked `long` but for those that every check has.

    A row with several parameters is a tuple. Every one of `always` has to be a row, so that a renamed one is missed.
    """
    rows = list(rows)
    if missing := [row for row in always if row not in rows]:
        raise ValueError(f"expected rows of the table; got {missing}; the rows are {rows}")
    values = [row if isinstance(row, tuple) else (row,) for row in rows]
    marks = [() if row in always else pytest.mark.long for row in rows]
    return [pytest.param(*value, marks=mark) for value, mark in zip(values, marks, strict=True)]
