"""The places of a field's values on an axis: numbers evenly or by their logarithms, all else one after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

from vae_jax.report.numbers import setting

MANY = 8
"""Number of distinct values above which an axis shows round numbers, in place of the values themselves."""
MOST_LETTERS = 20
"""Most letters of a value on an axis; a name may have twice as many."""


class Scale(NamedTuple):
    """The axis of a field."""

    name: str
    """Dotted name of the field."""
    kind: Literal["linear", "log", "classes"]
    values: tuple[Any, ...]
    """The distinct values: numbers in order, others as they first came."""

    @property
    def title(self) -> str:
        """The field's name in words, as on an axis."""
        return shortened(field_words(self.name), 2 * MOST_LETTERS)

    def place(self, value: Any) -> float:
        """The place of a value: itself, its logarithm to base ten, or its number in the row of classes."""
        if self.kind == "classes":
            return float(self.values.index(value))
        return float(np.log10(value) if self.kind == "log" else value)

    @property
    def ends(self) -> tuple[float, float]:
        """The places of the first value and the last, at least a little apart."""
        low, high = self.place(self.values[0]), self.place(self.values[-1])
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def fraction(self, value: Any) -> float:
        """The place of a value between the ends, 0 to 1."""
        low, high = self.ends
        return (self.place(value) - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Places with their words: every value if there are few, else round numbers."""
        if self.kind == "classes" or len(self.values) <= MANY:
            ticks = [(self.place(value), shortened(value_words(value), MOST_LETTERS)) for value in self.values]
            return ticks if self.kind == "classes" else _apart(ticks, 0.07 * (self.ends[1] - self.ends[0]))
        low, high = self.ends
        if self.kind == "linear":
            round_numbers = [(number, number) for number in MaxNLocator(5).tick_values(low, high)]
        else:
            by_density = (LogLocator(subs=subs).tick_values(10**low, 10**high) for subs in ((1,), (1, 3), (1, 2, 5)))
            inside = [[tick for tick in ticks if low <= np.log10(tick) <= high] for ticks in by_density]
            enough = next((ticks for ticks in inside if len(ticks) > 2), inside[-1])
            round_numbers = [(np.log10(tick), tick) for tick in enough]
        slack = 1e-9 * (high - low)
        return [
            (float(at), value_words(float(number))) for at, number in round_numbers if low - slack <= at <= high + slack
        ]


def scale_of(name: str, values: Iterable[Any]) -> Scale:
    """The axis on which a field's values are easiest to tell apart.

    The axis is logarithmic if all values are positive, the largest is at least four times the smallest (ten times, if
    there are only two values), and the median is nearer to the geometric than to the arithmetic mean of these extremes.

    Args:
        name: The name of the field.
        values: The field's values in all runs, in any order, repeated or not.

    Example:
        >>> scale_of("beta", [4.0, 1.0, 2.0, 8.0]).kind, scale_of("latent_size", [10, 20, 30, 40]).kind
        ('log', 'linear')
    """
    distinct: list[Any] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)
    if not distinct or not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in distinct):
        return Scale(name, "classes", tuple(distinct))
    distinct.sort()
    return Scale(name, "log" if _is_spread_by_logarithm(distinct) else "linear", tuple(distinct))


def _is_spread_by_logarithm(values: list[float]) -> bool:
    low, median, high = values[0], float(np.median(values)), values[-1]
    if low <= 0 or high < (4 if len(values) > 2 else 10) * low:
        return False
    return len(values) == 2 or abs(np.log(median / np.sqrt(low * high))) < abs(np.log(median / (0.5 * (low + high))))


def _apart(ticks: list[tuple[float, str]], least: float) -> list[tuple[float, str]]:
    """The ticks whose words do not run into those of the tick before."""
    kept: list[tuple[float, str]] = []
    for tick in ticks:
        if not kept or tick[0] - kept[-1][0] >= least:
            kept.append(tick)
    return kept


def value_words(value: Any) -> str:
    """A value of a field in few letters.

    Example:
        >>> [value_words(value) for value in (0.00031622776, 0.0005, 1e-5, 8.0, [500, 300], "relu")]
        ['0.000316', '0.0005', '1e-5', '8', '500, 300', 'relu']
    """
    if isinstance(value, float):
        exact = f"{value:.12g}"
        # A longer number was not typed by a user, but drawn by a search.
        short = exact if len(exact) <= 6 else f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        return short.replace("e-0", "e-").replace("e+0", "e").replace("-", "−", value < 0)
    return setting(value)


def shortened(words: str, most: int) -> str:
    """The words, cut to at most `most` letters.

    Example:
        >>> shortened("512, 512, 256", 8)
        '512, 51…'
    """
    return words if len(words) <= most else words[: most - 1] + "…"


def field_words(name: str) -> str:
    """A field's name as words.

    Example:
        >>> field_words("data.image_size")
        'data.image size'
    """
    return name.replace("_", " ")
