"""What a field is swept over, from the words of a command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from vae_jax.messages import UsageError
from vae_jax.sweep.fields import parse_value


class Values(NamedTuple):
    """Some values, one after another."""

    values: tuple[Any, ...]


class Interval(NamedTuple):
    """All numbers between two, both among them: what a search draws from."""

    low: float
    high: float
    is_log: bool = False
    """Whether their logarithms are spread evenly."""
    num: int | None = None
    """How many points of it stand in a grid, both ends among them; None for no grid."""
    is_integer: bool = False


Axis = Values | Interval


def parse_axis(name: str, words: Sequence[str], kind: Any) -> Axis:
    """The axis that words stand for.

    Words are values; or one word is a range: `0:10` and `0:10:2` of integers, without their end, as Python counts;
    `1e-4:1e-2` and `1e-4:1e-2:log` an interval for a search, with a number behind it so many points of it;
    `4:64:log` an interval of integers.

    Raises:
        UsageError: If there are none, one stands twice, or one is not of the field's type.

    Example:
        >>> parse_axis("seed", ["0:3"], int), parse_axis("beta", ["1:100:log:3"], float)
        (Values(values=(0, 1, 2)), Values(values=(1.0, 10.0, 100.0)))
    """
    option = f"--{name.replace('_', '-')}"
    if not words:
        raise UsageError(f"expected at least one value behind {option}; got none")
    if len(words) == 1 and kind in (int, float) and ":" in words[0]:
        return _range(option, words[0], kind)
    values = tuple(parse_value(word, kind, name) for word in words)
    for index, value in enumerate(values):
        if value in values[:index]:
            raise UsageError(f"expected different values for {option}; got {words[index]} twice; leave one out")
    return Values(values)


def _range(option: str, word: str, kind: Any) -> Axis:
    expected = (
        f"{option} as LOW:HIGH, LOW:HIGH:log, or with a number of points behind it, LOW:HIGH:5"
        if kind is float
        else f"{option} as FIRST:END, FIRST:END:STEP or LOW:HIGH:log"
    )
    parts = word.split(":")
    is_log = "log" in parts[2:]
    rest = [part for part in parts[2:] if part != "log"]
    try:
        low, high = kind(parts[0]), kind(parts[1])
        numbers = [int(part) for part in rest]
    except ValueError:
        raise UsageError(f"expected {expected}; got '{word}'") from None
    if kind is int and not is_log:
        values = tuple(range(int(low), int(high), *numbers)) if len(numbers) < 2 and 0 not in numbers else ()
        if not values:
            raise UsageError(f"expected {expected} with at least one integer; got '{word}', which has none")
        return Values(values)
    if not (low < high and math.isfinite(high - low)) or len(numbers) > 1 or (is_log and low <= 0):
        raise UsageError(f"expected {expected}, LOW below HIGH{' and above 0' if is_log else ''}; got '{word}'")
    interval = Interval(low, high, is_log, None, kind is int)
    if not numbers:
        return interval
    if kind is int or numbers[0] < 2:
        raise UsageError(f"expected {expected}, at least two of them; got '{word}'")
    return Values(points(interval._replace(num=numbers[0])))


def points(interval: Interval) -> tuple[float, ...]:
    """The points of an interval that stand in a grid, evenly spread."""
    num = interval.num or 2
    steps = [index / (num - 1) for index in range(num)]
    if interval.is_log:
        ratio = interval.high / interval.low
        found = [interval.low * ratio**step for step in steps]
    else:
        found = [interval.low + (interval.high - interval.low) * step for step in steps]
    # Rounded to what a reader would type; the ends are what was typed.
    return (interval.low, *(float(f"{point:.6g}") for point in found[1:-1]), interval.high)


def product_of(axes: Mapping[str, Axis]) -> list[dict[str, Any]]:
    """Every combination, the last field changing fastest.

    Raises:
        UsageError: If an axis is an interval without a number of points.

    Example:
        >>> product_of({"beta": Values((1.0, 2.0)), "seed": Values((0, 1))})[1]
        {'beta': 1.0, 'seed': 1}
    """
    return [dict(zip(axes, values, strict=True)) for values in product(*_values_of(axes).values())]


def zip_of(axes: Mapping[str, Axis]) -> list[dict[str, Any]]:
    """The first values together, then the second ones, and so on.

    Raises:
        UsageError: If there are not as many of every field, or an axis is an interval.
    """
    values = _values_of(axes)
    if len({len(of_one) for of_one in values.values()}) > 1:
        counts = ", ".join(f"{len(of_one)} of {name}" for name, of_one in values.items())
        raise UsageError(f"expected as many values of every field with --zip; got {counts}")
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _values_of(axes: Mapping[str, Axis]) -> dict[str, tuple[Any, ...]]:
    for name, axis in axes.items():
        if isinstance(axis, Interval):
            raise UsageError(
                f"expected values of --{name.replace('_', '-')} to make a grid of; got all between {axis.low:g} and "
                f"{axis.high:g}; put a number of points behind it, or choose a --search"
            )
    return {name: axis.values for name, axis in axes.items() if isinstance(axis, Values)}


def to_json(axis: Axis) -> Any:
    """As JSON keeps it: a list of values, or an object."""
    return list(axis.values) if isinstance(axis, Values) else axis._asdict()


def from_json(saved: Any) -> Axis:
    """What `to_json` was made of. Lists within were tuples."""
    if isinstance(saved, dict):
        return Interval(**saved)
    return Values(tuple(tuple(value) if isinstance(value, list) else value for value in saved))
