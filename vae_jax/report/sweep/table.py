"""The ranking as the rows of a table, with a bar for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple
from urllib.parse import quote

from vae_jax.ranking import Row, over_seeds
from vae_jax.report.sweep.fields import means_of, view
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale, value_words

BAR_WIDTH = 140.0
"""Width of the drawing in a cell, in the drawing's own units."""
OTHER_NUMBERS = ("nll", "elbo", "kl", "active_units")
"""Numbers that the table shows beside the metric itself."""


class Bar(NamedTuple):
    """A mean and its standard error on an axis that all rows share."""

    at: float
    """Place of the mean, 0 to `BAR_WIDTH`."""
    low: float
    high: float


class Lane(NamedTuple):
    """A run in the cell of its setting."""

    name: str
    link: str | None
    """Path to the lane's own report from the sweep's; None if the lane has no report."""
    state: str


class Entry(NamedTuple):
    """A row of the table."""

    fields: list[str]
    value: str
    error: str
    bar: Bar | None
    others: list[str]
    lanes: list[Lane]
    states: str
    """Numbers of lanes that did not finish, by how they ended; empty if all finished."""


def entries(
    rows: Sequence[Row],
    scales: Sequence[Scale],
    metric: str,
    others: Sequence[str],
    reports: Collection[str],
    num_seen: int,
) -> list[Entry]:
    """The rows of the table.

    Args:
        rows: The ranking, the best first.
        scales: The scales of the fields to show.
        metric: The metric of the ranking.
        others: Further numbers to show.
        reports: Names of the lanes that have a report of their own.
        num_seen: Number of rows that are seen at once: the axis of the bars is made for them.
    """
    means = means_of(rows[:num_seen])
    ends = view(means, metric) if len(means) > 1 else None
    return [
        Entry(
            [value_words(row.fields.get(scale.name)) for scale in scales],
            quantity_of(metric).show(row.mean),
            "" if row.standard_error is None else f"± {quantity_of(metric).show(row.standard_error)}",
            _bar(row, ends),
            [quantity_of(other).show(_other(row, other)) for other in others],
            [
                Lane(
                    record.name,
                    f"lanes/{quote(record.name)}/report.html" if record.name in reports else None,
                    record.state,
                )
                for record in row.records
            ],
            unfinished(row.states),
        )
        for row in rows
    ]


def other_numbers(rows: Sequence[Row], metric: str) -> list[str]:
    """The further numbers that at least one row has."""
    return [name for name in OTHER_NUMBERS if name != metric and any(_other(row, name) is not None for row in rows)]


def unfinished(states: Sequence[str]) -> str:
    """The numbers of lanes that did not finish, in words.

    Example:
        >>> unfinished(["finished", "diverged", "stopped", "diverged"]), unfinished(["finished"])
        ('2 diverged, 1 stopped', '')
    """
    counts = Counter(state for state in states if state != "finished")
    return ", ".join(f"{counts[state]} {state}" for state in sorted(counts))


def _other(row: Row, name: str) -> float | None:
    """The mean of a further number over the runs that have the metric: all numbers of a row are of the same runs."""
    measured = [record for record, value in zip(row.records, row.values, strict=True) if value is not None]
    return over_seeds(measured or row.records, name).mean


def _bar(row: Row, ends: tuple[float, float] | None) -> Bar | None:
    if row.mean is None or ends is None:
        return None

    def place(value: float) -> float:
        return round(min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0) * BAR_WIDTH, 1)

    error = row.standard_error or 0.0
    return Bar(place(row.mean), place(row.mean - error), place(row.mean + error))
