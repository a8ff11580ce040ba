"""Columns of a table: of each a kind, by which its values become numbers for a model and come back as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

ColumnKind: TypeAlias = Literal["real", "whole", "count", "yes/no", "category", "date"]
"""Kind of a column; `count` is a whole number ≥ 0 that a Poisson distribution models."""

LARGEST_WHOLE = 2.0**53
"""Whole numbers below it are exact in float64."""
_MAX_SHOWN = 10
_UNITS_PER_DAY = {"D": 1, "s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_LIKELIHOODS: dict[ColumnKind, Literal["binary", "count"]] = {"yes/no": "binary", "count": "count"}


@dataclass(frozen=True)
class Column:
    """The description of a column, kept with a run; it says how a value becomes a number, and a number a value.

    Example:
        >>> cylinders = Column("cylinders", "category", (4, 6, 8))
        >>> encode(cylinders, np.array([8, 4])).tolist(), decode(cylinders, np.array([1.0])).tolist()
        ([2.0, 0.0], [6])
    """

    name: str
    kind: ColumnKind = "real"
    values: tuple[Any, ...] = ()
    """The values that the codes 0, 1, ... stand for, in order: words or numbers; of `yes/no` and `category` alone."""
    bounds: tuple[float, float] | None = None
    """The smallest and the largest value, a date as days since 1970-01-01; None where they are not known."""
    origin: float = 0.0
    """The number that is subtracted from a value before it is kept as float32."""
    unit: str = ""
    """The unit in which a date was stored: D, s, ms, us or ns."""

    def in_words(self) -> str:
        """The name and what is known of the values, as a report shows them."""
        if self.values:
            shown = ", ".join(map(str, self.values[:_MAX_SHOWN]))
            return f"{self.name} ({shown}{', ...' if len(self.values) > _MAX_SHOWN else ''})"
        return f"{self.name} ({self.kind})"


def likelihood_kinds(columns: Sequence[Column]) -> tuple[Literal["continuous", "binary", "count"] | int, ...]:
    """The kinds by which `models.likelihoods.mixed_columns` models columns; of a category the number of its classes.

    Example:
        >>> likelihood_kinds((Column("age", "whole"), Column("town", "category", ("Bonn", "Ulm"))))
        ('continuous', 2)
    """
    return tuple(
        len(column.values) if column.kind == "category" else _LIKELIHOODS.get(column.kind, "continuous")
        for column in columns
    )


def classes_of_columns(columns: Sequence[Column]) -> dict[int, int]:
    """Place -> number of classes, of the columns that are categories.

    Example:
        >>> classes_of_columns((Column("age", "whole"), Column("town", "category", ("Bonn", "Ulm"))))
        {1: 2}
    """
    return {place: len(column.values) for place, column in enumerate(columns) if column.kind == "category"}


def column_from(record: Mapping[str, Any]) -> Column:
    """The column that `record_of` describes."""
    of_tuples: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
    }
    return Column(**of_tuples)


def record_of(column: Column) -> dict[str, Any]:
    """The fields of a column that differ from their defaults, as JSON holds them."""
    default = asdict(Column(column.name))
    fields = asdict(column)
    return {"name": column.name} | {name: value for name, value in fields.items() if value != default[name]}


def encode(column: Column, values: np.ndarray) -> np.ndarray:
    """The values of a column as a model's table holds them.

    Args:
        column: The column.
        values: (num,), of the type that the column was described from.

    Returns:
        float32 of (num,): codes 0, 1, ... of the values of `yes/no` and `category`; differences from the `origin`,
        which are made in float64, of numbers; days of dates.
    """
    if column.values:
        code_of = {value: code for code, value in enumerate(column.values)}
        return np.array([code_of[value] for value in values.tolist()], np.float32)
    return (as_numbers(values) - column.origin).astype(np.float32)


def decode(column: Column, numbers: np.ndarray) -> np.ndarray:
    """Numbers of a model's table as values of the column's kind; `decode(encode(values))` are the values.

    Args:
        column: The column.
        numbers: (num,), finite, as `encode` makes them or near to that, as a model draws them.

    Returns:
        (num,): one of the column's values; a whole number; a date; or a real number. It lies within the column's
        bounds. A real number whose origin is 0 stays float32, so that it is written with no more digits than it has.
    """
    if column.values:
        codes = np.clip(np.rint(numbers), 0, len(column.values) - 1).astype(int)
        is_of_words = any(isinstance(value, str) for value in column.values)
        return np.array(column.values, object if is_of_words else None)[codes]
    low, high = column.bounds or (-np.inf, np.inf)
    if column.kind == "real" and not column.origin:
        return np.clip(np.asarray(numbers, np.float32), np.float32(low), np.float32(high))
    exact = np.asarray(numbers, np.float64) + column.origin
    if column.kind == "real":
        return np.clip(exact, low, high)
    if column.kind == "date":
        per_day = _UNITS_PER_DAY[column.unit]
        return np.rint(np.clip(exact, low, high) * per_day).astype(np.int64).astype(f"datetime64[{column.unit}]")
    return np.clip(np.rint(exact), max(low, -LARGEST_WHOLE), min(high, LARGEST_WHOLE)).astype(np.int64)


def as_numbers(values: np.ndarray) -> np.ndarray:
    """Values as float64; of dates the days since 1970-01-01."""
    if values.dtype.kind == "M":
        return values.astype(np.int64) / _UNITS_PER_DAY[np.datetime_data(values.dtype)[0]]
    return values.astype(np.float64)
