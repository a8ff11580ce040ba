"""The range of a number that a `Config` states in the field's type."""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass, is_dataclass


@dataclass(frozen=True, kw_only=True)
class Range:
    """The values that a number of a `Config` may have: `beta: Annotated[float, vj.Range(at_least=0)] = 1.0`.

    They are checked before anything is computed, in `train` and for every value of a sweep or end of a search, and so
    without a look at a number that is traced.

    Example:
        >>> unit = Range(at_least=0, below=1)
        >>> 0.5 in unit, 1 in unit, str(unit)
        (True, False, 'of at least 0 and below 1')
    """

    at_least: float | None = None
    """The least value."""
    above: float | None = None
    """The number that all values are above."""
    at_most: float | None = None
    """The largest value."""
    below: float | None = None
    """The number that all values are below."""

    def __contains__(self, value: float) -> bool:
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        parts = {
            "of at least": self.at_least,
            "above": self.above,
            "of at most": self.at_most,
            "below": self.below,
        }
        return " and ".join(f"{words} {value:g}" for words, value in parts.items() if value is not None)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest value of float32, which a traced number is."""
        low = max([-math.inf, *(end for end in (self.at_least, self.above) if end is not None)])
        high = min([math.inf, *(end for end in (self.at_most, self.below) if end is not None)])
        return self._inside(low, math.inf), self._inside(high, -math.inf)

    def _inside(self, end: float, towards: float) -> float:
        import numpy as np  # which the help of a command does without

        nearest = np.float32(end)
        return float(nearest) if float(nearest) in self else float(np.nextafter(nearest, np.float32(towards)))


def ranges_of(kind: type) -> dict[str, Range]:
    """The ranges of a dataclass' own fields; one that is declared anew without a range keeps the inherited one."""
    return {
        name: mark
        for base in reversed(kind.__mro__)
        if is_dataclass(base)
        for name, hint in typing.get_type_hints(base, include_extras=True).items()
        for mark in getattr(hint, "__metadata__", ())
        if isinstance(mark, Range)
    }
