"""Axes of a sweep: the values of a swept field, parsed from the words of a command line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple

from vae_jax.config.kinds import is_flag
from vae_jax.config.words import option_of, parse_value, to_word
from vae_jax.messages import UsageError


class Values(NamedTuple):
    """Some values, one after another."""

    values: tuple[Any, ...]


class Interval(NamedTuple):
    """All numbers from `low` to `high`, both included: a search draws from them."""

    low: float
    high: float
    is_log: bool = False
    """Whether the logarithms of the numbers are spread evenly."""
    num: int | None = None
    """Number of points in a grid, both ends included; None for no grid."""
    is_integer: bool = False


Axis = Values | Interval

MOST = 100_000
"""Maximum number of trials, and of values of an axis: more are a slip of the finger, and would fill the memory."""


def parse_axis(name: str, words: Sequence[str], kind: Any, *, may_repeat: bool = False) -> Axis:
    """The axis that words stand for.

    The words are values, or a single word is a range. `0:10` and `0:10:2` are ranges of integers without their end, as
    in Python. `1e-4:1e-2` and `1e-4:1e-2:log` are intervals for a search; with a number behind, they stand for so many
    points of the interval. `4:64:log` is an interval of integers.

    Args:
        name: Name of the field.
        words: The words behind its option.
        kind: Its type.
        may_repeat: Whether a value may occur more than once.

    Raises:
        UsageError: If there are no words, a value occurs twice, or a value is not of the field's type.

    Example:
        >>> parse_axis("seed", ["0:3"], int), parse_axis("beta", ["1:100:log:3"], float)
        (Values(values=(0, 1, 2)), Values(values=(1.0, 10.0, 100.0)))
    """
    option = option_of(name)
    words = words or ["true"] * is_flag(kind)
    if not words:
        raise UsageError(f"expected at least one value behind {option}; got none")
    if len(words) == 1 and kind in (int, float) and ":" in words[0]:
        return _range(option, words[0], kind)
    values = tuple(parse_value(word, kind, name) for word in words)
    said = list(map(repr, values))  # 1, 1.0 and True are equal, and are three
    for index, value in enumerate(said):
        if value in said[:index] and not may_repeat:
            raise UsageError(f"expected different values for {option}; got {words[index]} twice; leave one out")
    return Values(values)


def _range(option: str, word: str, kind: Any) -> Axis:
    first, second, *rest = word.split(":")
    is_log = rest[:1] == ["log"]
    try:
        low, high, numbers = kind(first), kind(second), [int(part) for part in (rest[1:] if is_log else rest)]
    except ValueError:
        raise _unreadable(option, word, kind) from None
    # One number: the step of a range of integers (not of their logarithms), or the number of points.
    if len(numbers) > 1 or 0 in numbers or (kind is int and is_log and numbers):
        raise _unreadable(option, word, kind)
    if kind is int and not is_log:
        num = max(-((low - high) // (numbers or [1])[0]), 0)
        if not 0 < num <= MOST:
            raise UsageError(f"expected a range of 1 to {MOST} integers for {option}; got '{word}', of {num}")
        return Values(tuple(range(low, high, *numbers)))
    interval = Interval(low, high, is_log, numbers[0] if numbers else None, kind is int)
    check_interval(interval, option, f"'{word}'")
    return Values(points(interval)) if numbers else interval


def check_interval(interval: Interval, option: str, got: str) -> None:
    """Check that an interval has a width, a logarithm if it needs one, and points if it is for a grid.

    Raises:
        UsageError: If it has not.
    """
    low, high, is_log, num, _ = interval
    if not (low < high and math.isfinite(high - low)) or (is_log and low <= 0):
        below = "above 0 and below HIGH" if is_log else "below HIGH"
        raise UsageError(f"expected {option} as LOW:HIGH, with LOW {below}; got {got}")
    if num is not None and not 2 <= num <= MOST:
        raise UsageError(f"expected 2 to {MOST} points of {option}; got {num} in {got}")


def _unreadable(option: str, word: str, kind: Any) -> UsageError:
    forms = (
        "FIRST:END, FIRST:END:STEP or LOW:HIGH:log"
        if kind is int
        else "LOW:HIGH or LOW:HIGH:log, with a number of points behind it for a grid, LOW:HIGH:5"
    )
    return UsageError(f"expected {option} as {forms}; got '{word}'")


def points(axis: Axis) -> tuple[Any, ...]:
    """The points of an axis in a grid: single values, or so many of an interval, evenly spread.

    Raises:
        ValueError: If it is an interval without a number of points.

    Example:
        >>> points(Interval(1, 100, is_log=True, num=3)), points(Interval(1, 3, num=9, is_integer=True))
        ((1.0, 10.0, 100.0), (1, 2, 3))
    """
    if isinstance(axis, Values):
        return axis.values
    if axis.num is None:
        raise ValueError(f"expected a number of points; got none in {axis}")
    low, high = float(axis.low), float(axis.high)
    shares = [index / (axis.num - 1) for index in range(1, axis.num - 1)]
    inside = [low * (high / low) ** share if axis.is_log else low + (high - low) * share for share in shares]
    if axis.is_integer:
        return tuple(dict.fromkeys([int(axis.low), *map(round, inside), int(axis.high)]))
    # Rounded to what a reader would type, unless that makes two points equal; the ends are what was typed.
    rounded = (low, *(float(f"{point:.6g}") for point in inside), high)
    return rounded if all(one < other for one, other in pairwise(rounded)) else (low, *inside, high)


def product_of(axes: Mapping[str, Axis]) -> list[dict[str, Any]]:
    """Every combination of the values, the last field changing fastest.

    Raises:
        UsageError: If an axis is an interval without a number of points, or there are too many combinations.

    Example:
        >>> product_of({"beta": Values((1.0, 2.0)), "seed": Values((0, 1))})[1]
        {'beta': 1.0, 'seed': 1}
    """
    values = _values_of(axes)
    if (num := math.prod(map(len, values.values()))) > MOST:
        raise UsageError(f"expected at most {MOST} combinations; got {num}; give fewer values, or choose a --search")
    return [dict(zip(axes, row, strict=True)) for row in product(*values.values())]


def zip_of(axes: Mapping[str, Axis]) -> list[dict[str, Any]]:
    """The first values together, then the second ones, and so on.

    Raises:
        UsageError: If the numbers of values differ, a combination occurs twice, or an axis is an interval without a
            number of points.
    """
    values = _values_of(axes)
    if len({len(of_one) for of_one in values.values()}) > 1:
        counts = ", ".join(f"{len(of_one)} of {name}" for name, of_one in values.items())
        raise UsageError(f"expected as many values of every field with --zip; got {counts}")
    rows = list(zip(*values.values(), strict=True))
    for row, num in Counter(rows).items():
        if num > 1:
            fields = ", ".join(f"{name} {to_word(value)}" for name, value in zip(values, row, strict=True))
            raise UsageError(f"expected different lanes with --zip; got {fields} twice; leave one out")
    return [dict(zip(values, row, strict=True)) for row in rows]


def _values_of(axes: Mapping[str, Axis]) -> dict[str, tuple[Any, ...]]:
    for name, axis in axes.items():
        if isinstance(axis, Interval) and axis.num is None:
            raise UsageError(
                f"expected values of {option_of(name)} to make a grid of; got all between {axis.low:g} and "
                f"{axis.high:g}; put a number of points behind it, or choose a --search"
            )
    return {name: points(axis) for name, axis in axes.items()}


def to_json(axis: Axis) -> Any:
    """An axis for JSON: a list of values, or a dict for an interval."""
    return list(axis.values) if isinstance(axis, Values) else axis._asdict()


def from_json(saved: Any) -> Axis:
    """The axis that `to_json` wrote; lists inside it become tuples again."""
    if isinstance(saved, dict):
        return Interval(**saved)
    return Values(tuple(map(_with_tuples, saved)))


def _with_tuples(value: Any) -> Any:
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
