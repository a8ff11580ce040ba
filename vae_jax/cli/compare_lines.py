"""Ranked runs in lines of text, and as JSON."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from vae_jax.ranking import Row, lower_is_better, over_seeds

OTHERS = ("nll", "elbo", "kl", "active_units")
"""Further metrics that are shown for a row, where it has them."""

_NUMBER = re.compile(r"[-+\d.e ]*( ± [\d.]+)?( of \d+)? *")


def comparison_lines(rows: Sequence[Row], swept: Sequence[str], metric: str, top: int | None = None) -> list[str]:
    """A table of rows, and below it notes about them.

    Args:
        rows: The best first.
        swept: The names of the fields to show.
        metric: The metric by which they are ranked.
        top: The number of rows to show; None for all.
    """
    columns = [
        ["", *(_rank(number, row) for number, row in enumerate(rows, start=1))],
        *([name, *(_setting(row.fields.get(name, "")) for row in rows)] for name in swept),
        [metric, *_with_errors([row.mean for row in rows], [row.standard_error for row in rows])],
        *([["seeds", *map(_seeds, rows)]] if any(len(row.records) > 1 for row in rows) else []),
        *(_means(name, rows) for name in OTHERS if name != metric and _has(name, rows)),
        ["state", *map(_states, rows)],
        ["best run", *(row.names[0] for row in rows)],
    ]
    title, *lines = _aligned(columns)
    rest = [f"and {len(rows) - top} more"] if top is not None and top < len(rows) else []
    return [title, *lines[:top], *rest, "", *_legend(rows, metric)]


def row_as_json(number: int, row: Row, swept: Sequence[str], metric: str) -> dict[str, Any]:
    """A row as a dict for JSON: the numbers of the table, and those of each run."""
    others = {name: over_seeds(row.records, name).mean for name in OTHERS if name != metric}
    return {
        "rank": None if row.mean is None else number,
        "fields": {name: row.fields[name] for name in swept if name in row.fields},
        "metric": metric,
        "mean": row.mean,
        "standard_error": row.standard_error,
        "num_seeds": row.num_seeds,
        **{name: mean for name, mean in others.items() if mean is not None},
        "runs": [
            {"name": record.name, "seed": record.fields.get("seed"), "state": record.state, metric: value}
            for record, value in zip(row.records, row.values, strict=True)
        ],
    }


def _legend(rows: Sequence[Row], metric: str) -> list[str]:
    words = f"{'lower' if lower_is_better(metric) else 'higher'} {metric} is better"
    if any(row.standard_error is not None for row in rows):
        words += "; means over seeds, ± one standard error"
    missing = Counter(
        record.state if record.state == "diverged" else f"{record.state} without {metric}"
        for row in rows
        for record, value in zip(row.records, row.values, strict=True)
        if value is None
    )
    return [words, *([f"not counted: {_in_words(missing)}"] if missing else [])]


def _rank(number: int, row: Row) -> str:
    return "-" if row.mean is None else f"{number}"


def _seeds(row: Row) -> str:
    num = len({record.fields.get("seed") for record in row.records})
    return f"{num}" if row.num_seeds == num else f"{row.num_seeds} of {num}"


def _has(name: str, rows: Sequence[Row]) -> bool:
    return any(over_seeds(row.records, name).num_seeds for row in rows)


def _means(name: str, rows: Sequence[Row]) -> list[str]:
    means = [over_seeds(row.records, name).mean for row in rows]
    return [name, *_decimals(means, _num_decimals(means, 4))]


def _with_errors(means: Sequence[float | None], errors: Sequence[float | None]) -> list[str]:
    num = _num_decimals([*means, *errors], 5)
    left, right = (_decimals(means, num), [f" ± {text}" if text != "-" else "" for text in _decimals(errors, num)])
    width = max(map(len, right), default=0)
    return [f"{mean}{error:{width}}" for mean, error in zip(left, right, strict=True)]


def _num_decimals(values: Sequence[float | None], num_digits: int) -> int:
    """The number of decimals that show `num_digits` digits of the largest number; 0 for integers."""
    present = [abs(value) for value in values if value]
    if all(value == int(value) for value in present):
        return 0
    return max(0, num_digits - 1 - math.floor(math.log10(max(present))))


def _decimals(values: Sequence[float | None], num: int) -> list[str]:
    return ["-" if value is None else f"{value:.{num}f}" for value in values]


def _states(row: Row) -> str:
    counts = Counter(row.states)
    return row.states[0] if len(counts) == 1 else _in_words(counts)


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{num} {name}" for name, num in counts.items())


def _setting(value: Any) -> str:
    """A field's value, as a user would type it."""
    if isinstance(value, list | tuple):
        return " ".join(map(_setting, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "-" if value is None else f"{value}"


def _aligned(columns: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side: numbers aligned to the right, words to the left."""
    padded = []
    for column in columns:
        width = max(map(len, column))
        pad = str.rjust if all(map(_NUMBER.fullmatch, column[1:])) else str.ljust
        padded.append([pad(cell, width) for cell in column])
    return ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]
