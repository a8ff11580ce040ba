"""Two numbers of every setting against each other: the rate-distortion plane, and the front of two objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from vae_jax.ranking import Row, RunRecord, best_validation, lower_is_better, mean_and_standard_error, over_seeds
from vae_jax.report.labels import name_plot, words_above
from vae_jax.report.numbers import decimal, is_number
from vae_jax.report.sweep.colours import colour_of, key_above
from vae_jax.report.sweep.groups import along, are_lines
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale
from vae_jax.report.theme import LIGHT, Theme, plot, to_png

LEAST_SPREAD = 0.05
"""Relative to the largest KL: settings that differ by less lie on one point of the plane."""


class Plane(NamedTuple):
    """Where settings lie in the rate-distortion plane."""

    rows: list[Row]
    """Those that have both numbers."""
    rate: NDArray[Any]
    """KL, nats per example, mean over the seeds, (rows,)."""
    distortion: NDArray[Any]
    """−log p(x|z), nats per example, likewise."""
    is_evaluation: bool
    """Whether the numbers are of the final evaluation, or else of the best validation."""


def rate_distortion(rows: Sequence[Row]) -> Plane | None:
    """The plane of a ranking, if it shows more than one place.

    All numbers are of one origin, evaluation or validation, whichever more runs have: bounds of two splits on one
    plane would be compared where they cannot be.
    """

    def numbers(record: RunRecord, evaluated: bool) -> tuple[float, float] | None:
        source = (record.evaluation if evaluated else best_validation(record)) or {}
        kl, log_likelihood = source.get("kl"), source.get("log_likelihood")
        known = record.state != "diverged" and is_number(kl) and is_number(log_likelihood)
        return (kl, -log_likelihood) if known and np.isfinite([kl, log_likelihood]).all() else None

    def count(evaluated: bool) -> int:
        return sum(numbers(record, evaluated) is not None for row in rows for record in row.records)

    is_evaluation = count(True) >= count(False)
    places = [[pair for record in row.records if (pair := numbers(record, is_evaluation))] for row in rows]
    rate, distortion = np.array([np.mean(pairs, axis=0) for pairs in places if pairs]).reshape(-1, 2).T
    if len(rate) < 2 or np.ptp(rate) <= LEAST_SPREAD * np.abs(rate).max():
        return None
    return Plane([row for row, pairs in zip(rows, places, strict=True) if pairs], rate, distortion, is_evaluation)


def rate_distortion_plot(plane: Plane, scales: Sequence[Scale], *, theme: Theme = LIGHT) -> bytes:
    """The rate-distortion plane: KL to the right, −log p(x|z) upwards, lines of constant ELBO.

    Args:
        plane: Where the settings lie.
        scales: Of the fields that were swept; the first, or `beta`, gives the colours, and joins settings that
            differ in it alone.
        theme: The colours.

    Returns:
        A PNG file.

    Source: Alemi et al. 2018, arXiv:1711.00464, section 2 and figure 2.
    """
    scale = next((scale for scale in scales if scale.name == "beta"), scales[0]) if scales else None
    with plot(theme, 520, 440) as (figure, axes):
        name_plot(figure, "Rate and distortion (nats)")
        axes.grid(False)
        x, y = _limits(plane.rate), _limits(plane.distortion)
        axes.set_xlim(*x)
        axes.set_ylim(*y)
        for elbo in elbo_levels(x, y):
            _iso_elbo(axes, elbo, plane, theme)
        if scale:
            place = {id(row): (rate, distortion) for row, rate, distortion in zip(*plane[:3], strict=True)}
            groups = along(plane.rows, scale, [other for other in scales if other != scale])
            for group in groups if are_lines(groups) else []:
                axes.plot(*zip(*(place[id(row)] for row in group), strict=True), color=theme.quiet, linewidth=1, zorder=3)
            key_above(axes, scale, theme)
        colours = [colour_of(scale, row.fields.get(scale.name), theme) if scale else theme.accent for row in plane.rows]
        size = float(np.clip(3_000 / len(plane.rows), 10, 44))
        axes.scatter(plane.rate, plane.distortion, s=size, c=colours, linewidths=0.6, edgecolors=theme.ground, zorder=4)
        axes.set_xlabel("rate: KL from posterior to prior")
        axes.set_ylabel("distortion: −log p(x|z)")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6))
        return to_png(figure)


def elbo_levels(rate: tuple[float, float], distortion: tuple[float, float]) -> list[float]:
    """Round values of the ELBO, −distortion − rate, in a part of the plane.

    Args:
        rate: From where to where, nats.
        distortion: Likewise.

    Returns:
        Nats, rising.

    Example:
        >>> elbo_levels((0.0, 40.0), (60.0, 160.0))
        [-175.0, -150.0, -125.0, -100.0, -75.0]
    """
    low, high = -distortion[1] - rate[1], -distortion[0] - rate[0]
    levels = MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    # The outermost ones would cut off a corner only.
    margin = 0.05 * (high - low)
    return [float(level) for level in levels if low + margin < level < high - margin]


def pareto_front(first: Sequence[float], second: Sequence[float], metrics: tuple[str, str]) -> list[int]:
    """Which points no other point beats: none is as good in both numbers and better in one.

    Args:
        first: A number of each.
        second: Another.
        metrics: Their names, which say whether lower is better.

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
        # Steps on the worse side: between two settings nobody has been.
        axes.plot(first[front], second[front], color=theme.accent, linewidth=1.4, drawstyle="steps-post", zorder=4)
        axes.errorbar(
            first[front], second[front],
            xerr=[known[i][1].standard_error or 0.0 for i in front], yerr=[known[i][2].standard_error or 0.0 for i in front],
            fmt="o", color=theme.accent, markersize=5.5, elinewidth=1, zorder=5,
        )  # fmt: skip
        words_above(axes, [("beaten by another", theme.muted), ("the front", theme.accent)])
        axes.set_xlabel(_direction(metrics[0]))
        axes.set_ylabel(_direction(metrics[1]))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6))
        return to_png(figure)


def _direction(metric: str) -> str:
    return f"{quantity_of(metric).title}, {'lower' if lower_is_better(metric) else 'higher'} is better"


def _limits(values: NDArray[Any]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _iso_elbo(axes: Axes, elbo: float, plane: Plane, theme: Theme) -> None:
    """A line distortion = −ELBO − rate, with its value where the fewest points are in the way."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    start, end = max(left, -elbo - top), min(right, -elbo - bottom)
    axes.plot([start, end], [-elbo - start, -elbo - end], color=theme.quiet, linewidth=0.8, alpha=0.6, zorder=1)
    x = np.linspace(start + 0.12 * (right - left), end - 0.12 * (right - left), 9)
    across = (x[:, None] - plane.rate) / (right - left)
    up = (-elbo - x[:, None] - plane.distortion) / (top - bottom)
    freest = x[np.argmax(np.hypot(across, up).min(axis=1))]
    axes.text(
        freest,
        -elbo - freest,
        f"ELBO {decimal(elbo, 0 if elbo == round(elbo) else 1)}",
        ha="center",
        va="center",
        color=theme.muted,
        fontsize=7.5,
        rotation=-45,
        rotation_mode="anchor",
        transform_rotates_text=True,
        path_effects=[patheffects.withStroke(linewidth=4, foreground=theme.ground)],
        zorder=2,
    )
