"""What a field is swept over, from the words of a command line."""

from __future__ import annotations

from typing import Any, NamedTuple


class Values(NamedTuple):
    """Some values, one after another."""

    values: tuple[Any, ...]


class Interval(NamedTuple):
    """All numbers between two: what a search draws from."""

    low: float
    high: float
    is_log: bool = False
    """Whether their logarithms are spread evenly."""
    num: int | None = None
    """How many points of it stand in a grid, both ends among them; None for no grid."""
    is_integer: bool = False


Axis = Values | Interval
