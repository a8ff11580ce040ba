"""The kind of each column of a table: by a rule, from its values, or as it is named."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np

from vae_jax.data.columns import LARGEST_WHOLE, Column, ColumnKind, as_numbers, encode
from vae_jax.messages import did_you_mean

MAX_WORDS = 20
"""Number of different words that a column may hold without repeating them."""
_LEAVE_OUT = "leave the column out (of a file by --data.examples)"


def described(
    arrays: Mapping[str, np.ndarray],
    kinds: Mapping[str, str] | None = None,
    *,
    of: str = "the table",
    where: Callable[[int], str] = lambda row: f"row {row + 1}",
) -> tuple[tuple[Column, ...], np.ndarray]:
    """The columns of a table, and its rows as numbers.

    Args:
        arrays: Name -> values of (num,): numbers, booleans, words, or `datetime64`, none of them missing.
        kinds: Name -> kind, of columns whose kind is not to be found from their values.
        of: Name of the table in errors.
        where: Map from a row to its name in errors.

    Returns:
        The columns, and float32 of (num, columns).

    Raises:
        ValueError: If a kind is unknown or its column not there, or values are not of the kind; the message names
            column and row.

    Example:
        >>> columns, rows = described({"height": np.array([1.8, 1.6]), "sex": np.array(["m", "f"])})
        >>> [column.kind for column in columns], rows[:, 1].tolist()
        (['real', 'category'], [1.0, 0.0])
    """
    kinds = kinds or {}
    for name, kind in kinds.items():
        if name not in arrays:
            raise ValueError(
                f"expected --data.kinds (of from_object: kinds=) to name columns of the examples of {of}; got '{name}'"
                f"{did_you_mean(name, arrays)}"
            )
        if kind not in get_args(ColumnKind):
            known = get_args(ColumnKind)
            raise ValueError(
                f"expected a kind of column '{name}' ({', '.join(known)}); got '{kind}'{did_you_mean(kind, known)}"
            )
    rows = np.empty((len(next(iter(arrays.values()))), len(arrays)), np.float32)
    columns = []
    for index, (name, values) in enumerate(arrays.items()):
        column = _column(name, values, kinds.get(name, ""), f"column '{name}' of {of}", where)
        rows[:, index] = encode(column, values)
        columns.append(column)
    return tuple(columns), rows


def kinds_of(listed: str) -> dict[str, str]:
    """The kinds that an option names: column -> kind.

    Raises:
        ValueError: If they are not `column=kind` with commas between.

    Example:
        >>> kinds_of('zip=category, "a,b"=whole')
        {'zip': 'category', 'a,b': 'whole'}
    """
    pairs = [pair.rpartition("=") for pair in names_of(listed)]
    if any(not name.strip() or not kind.strip() for name, _, kind in pairs):
        raise ValueError(f"expected --data.kinds as column=kind with commas between, zip=category; got '{listed}'")
    return {name.strip(): kind.strip() for name, _, kind in pairs}


def names_of(listed: str) -> list[str]:
    """Names with commas between; a name in quotes may have commas inside.

    Example:
        >>> names_of('height, "a,b"')
        ['height', 'a,b']
    """
    fields = next(csv.reader([listed], skipinitialspace=True), [])
    return [name.strip() for name in fields]


def _column(name: str, values: np.ndarray, kind: str, of: str, where: Callable[[int], str]) -> Column:
    _check_complete(values, of, where)
    kind = kind or _found(values, of, where)
    if kind == "yes/no" or kind == "category":
        if values.dtype.kind == "f":
            _checked(values, "real", of, where)
        return Column(name, kind, _distinct(values, kind, of))
    numbers = _checked(values, kind, of, where)
    low, high = float(numbers.min()), float(numbers.max())
    if kind == "date":
        return Column(name, kind, (), (low, high), low, np.datetime_data(values.dtype)[0])
    origin = low if kind != "count" and _loses_digits(numbers, low, high) else 0.0
    return Column(name, kind, (), (low, high), origin)  # pyright: ignore[reportArgumentType]


def _check_complete(values: np.ndarray, of: str, where: Callable[[int], str]) -> None:
    if values.dtype.kind not in "biufMOU":
        raise ValueError(f"expected numbers, words or dates in {of}; it is of type {values.dtype}; {_LEAVE_OUT}")
    if values.dtype.kind == "O":
        row = next((row for row, value in enumerate(values) if not isinstance(value, str)), None)
    else:
        is_missing = np.isnat(values) if values.dtype.kind == "M" else np.zeros(1, bool)
        row = int(np.argmax(is_missing)) if is_missing.any() else None
    if row is None:
        return
    value = values[row]
    if _is_missing(value):
        raise ValueError(f"expected a value in every row of {of}; {where(row)} has {value}; fill it in")
    raise ValueError(
        f"expected numbers, words or dates in {of}; {where(row)} has {value!r}, of type {type(value).__name__}; "
        f"convert it, or {_LEAVE_OUT}"
    )


def _is_missing(value: Any) -> bool:
    """Whether a value stands for none: that of Python, NumPy or pandas, or not a number."""
    is_none = value is None or type(value).__name__ in ("NAType", "NaTType")
    if isinstance(value, np.datetime64):
        return bool(np.isnat(value))
    return is_none or (isinstance(value, float) and math.isnan(value))


def _found(values: np.ndarray, of: str, where: Callable[[int], str]) -> ColumnKind:
    """The kind of a column that nobody named."""
    match values.dtype.kind:
        case "b":
            return "yes/no"
        case "M":
            return "date"
        case "f":
            return "real"
        case "i" | "u":
            low, high = int(values.min()), int(values.max())
            if (low, high) == (0, 1):
                return "yes/no"
            return "whole" if max(-low, high) < LARGEST_WHOLE else "real"
    words = values.tolist()
    if any(map(is_number, words)):
        row = next((row for row, word in enumerate(words) if not is_number(word)), 0)
        raise ValueError(f"expected numbers in {of}; {where(row)} has '{words[row]}'; correct it, or {_LEAVE_OUT}")
    num_words = len(set(words))
    if num_words > max(MAX_WORDS, len(words) // 2):
        raise ValueError(
            f"expected words that come again in {of}, a category; it has {num_words:,} of them in {len(words):,} rows; "
            f"{_LEAVE_OUT}, or name its kind by --data.kinds (of from_object: kinds=)"
        )
    return "category"


def _distinct(values: np.ndarray, kind: str, of: str) -> tuple[Any, ...]:
    if kind == "yes/no" and values.dtype.kind == "b":
        return False, True
    distinct = tuple(sorted(set(values.tolist())))
    if len(distinct) < 2 or (kind == "yes/no" and len(distinct) > 2):
        shown = ", ".join(map(str, distinct[:3])) + (", ..." if len(distinct) > 3 else "")
        wanted = "two values" if kind == "yes/no" else "two values or more"
        raise ValueError(f"expected {wanted} in {of}, which is {kind}; it has {shown}; {_LEAVE_OUT}")
    return distinct


def _checked(values: np.ndarray, kind: str, of: str, where: Callable[[int], str]) -> np.ndarray:
    """The values as float64, finite in float32, and of the kind."""
    if (values.dtype.kind == "M") != (kind == "date") or values.dtype.kind in "OU":
        wanted = {"date": "dates such as 2024-01-31", "real": "numbers"}.get(kind, "whole numbers")
        raise ValueError(f"expected {wanted} in {of}; {where(0)} has {values[0]}; correct it, or {_LEAVE_OUT}")
    numbers = as_numbers(values)
    with np.errstate(over="ignore"):
        _refuse(~np.isfinite(numbers.astype(np.float32)), values, f"expected finite numbers in {of}", where)
    if kind == "whole":
        _refuse(numbers != np.rint(numbers), values, f"expected whole numbers in {of}", where)
    if kind == "count":
        is_wrong = (numbers != np.rint(numbers)) | (numbers < 0)
        _refuse(is_wrong, values, f"expected counts, whole numbers from 0 on, in {of}", where)
    return numbers


def _refuse(is_wrong: np.ndarray, values: np.ndarray, expected: str, where: Callable[[int], str]) -> None:
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise ValueError(f"{expected}; {where(row)} has {values[row]}; correct it, or {_LEAVE_OUT}")


def _loses_digits(numbers: np.ndarray, low: float, high: float) -> bool:
    """Whether float32 takes different numbers for the same, which their differences from the smallest would not."""
    if 16 * (high - low) > max(abs(low), abs(high)):
        return False  # subtraction would save four bits at most
    return len(np.unique(numbers.astype(np.float32))) < len(np.unique(numbers))


def is_number(word: str) -> bool:
    """Whether a word can be read as a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True
