"""Two objectives of every setting against each other, and those settings that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from vae_jax.ranking import Row, lower_is_better, over_seeds
from vae_jax.report.labels import name_plot, words_above
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.theme import LIGHT, Theme, plot, to_png


def pareto_front(first: Sequence[float], second: Sequence[float], metrics: tuple[str, str]) -> list[int]:
    """The points that no other point beats, by being as good in both numbers and better in one.

    Args:
        first: The first number of each point.
        second: The second number of each point.
        metrics: The names of the numbers, which say whether lower is better.

    Returns:
        Indices, from the best by the first number to the best by the second.

    Example:
        >>> pareto_front([90.0, 95.0, 95.0, 99.0], [10.0, 12.0, 9.0, 12.0], ("nll", "active_units"))
        [0, 1]
    """
    signs = [-1.0 if lower_is_better(metric) else 1.0 for metric in metrics]
    gains = np.column_stack([signs[0] * np.asarray(first, float), signs[1] * np.asarray(second, float)])
    unbeaten = [
        i for i, gain in enumerate(gains) if not ((gains >= gain).all(axis=1) & (gains > gain).any(axis=1)).any()
    ]
    return sorted(unbeaten, key=lambda i: (-gains[i, 0], -gains[i, 1], i))


def pareto_plot(rows: Sequence[Row], metrics: tuple[str, str], *, theme: Theme = LIGHT) -> bytes | None:
    """Two objectives of every setting, and the front: those that no other setting beats in both.

    Args:
        rows: The settings.
        metrics: The names of the objectives, to the right and upwards.
        theme: The colours.

    Returns:
        A PNG file, or None if fewer than two settings have both numbers.
    """
    numbers = [[over_seeds(row.records, metric) for metric in metrics] for row in rows]
    known = [(row, *pair) for row, pair in zip(rows, numbers, strict=True) if None not in [one.mean for one in pair]]
    if len(known) < 2:
        return None
    first, second = np.array([[one.mean for one in pair] for _, *pair in known], float).T
    front = pareto_front(first, second, metrics)
    with plot(theme, 520, 440) as (figure, axes):
        name_plot(figure, "Two objectives")
        axes.grid(True, axis="both")
        others = np.setdiff1d(np.arange(len(known)), front)
        size = float(np.clip(3_000 / len(known), 10, 36))
        axes.scatter(first[others], second[others], s=size, color=theme.quiet, linewidths=0, alpha=0.7, zorder=3)
        # Steps on the worse side: between two settings nothing was measured.
        axes.plot(first[front], second[front], color=theme.accent, linewidth=1.4, drawstyle="steps-post", zorder=4)
        errors = np.array([[one.standard_error or 0.0 for one in pair] for _, *pair in known])[front].T
        axes.errorbar(
            first[front], second[front], xerr=errors[0], yerr=errors[1], fmt="o", color=theme.accent, markersize=5.5,
            elinewidth=1, zorder=5,
        )  # fmt: skip
        words_above(axes, [("beaten by another", theme.muted), ("the front", theme.accent)])
        axes.set_xlabel(_direction(metrics[0]))
        axes.set_ylabel(_direction(metrics[1]))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6))
        return to_png(figure)


def _direction(metric: str) -> str:
    return f"{quantity_of(metric).title}, {'lower' if lower_is_better(metric) else 'higher'} is better"
