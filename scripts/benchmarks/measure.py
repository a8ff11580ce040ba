"""Timing sides against each other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Side(NamedTuple):
    """One way of doing the work of a table."""

    name: str
    run: Callable[[], object]
    """Does it once, to its end."""
    num_images: int
    """How many images that is."""


def seconds_by_turns(sides: list[Side], num_rounds: int) -> dict[str, list[float]]:
    """Seconds for an image, of each side in each round, after a round that is not counted (it compiles).

    The sides take turns, and the order turns round from round to round: what else the machine does meets all of them.
    """
    for side in sides:
        side.run()
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    for turn in range(num_rounds):
        for side in sides[:: 1 if turn % 2 == 0 else -1]:
            began = time.perf_counter()
            side.run()
            seconds[side.name].append((time.perf_counter() - began) / side.num_images)
    return seconds


def comparison(seconds: Mapping[str, list[float]], reference: str) -> list[dict[str, Any]]:
    """A row for each side: its speed, its spread, and how fast the side `reference` is beside it.

    Returns:
        Images a second (of the median, and the slowest and fastest round), and the ratio of the reference's speed to
        this side's: of the medians, and in brackets the lowest and the highest of any one round.
    """
    rows = []
    for name, times in seconds.items():
        ratio = statistics.median(times) / statistics.median(seconds[reference])
        in_rounds = [time / other for time, other in zip(times, seconds[reference], strict=True)]
        rows.append(
            {
                "side": name,
                "images/s": 1 / statistics.median(times),
                "slowest": 1 / max(times),
                "fastest": 1 / min(times),
                f"{reference} / side": round(ratio, 3),
                "lowest and highest in a round": f"{min(in_rounds):.2f} to {max(in_rounds):.2f}",
            }
        )
    return rows
