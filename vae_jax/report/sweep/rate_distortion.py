"""The rate-distortion plane: what a code tells about its example, against what it leaves untold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from vae_jax.ranking import Row, RunRecord, best_validation
from vae_jax.report.labels import name_plot
from vae_jax.report.numbers import decimal
from vae_jax.report.sweep.colours import colour_of, key_above
from vae_jax.report.sweep.groups import along, are_lines
from vae_jax.report.sweep.scale import Scale
from vae_jax.report.theme import LIGHT, Theme, plot, to_png

LEAST_SPREAD = 0.05
"""Least spread of the KL, relative to the largest: settings that differ by less lie on one point of the plane."""


class Plane(NamedTuple):
    """The settings as points in the rate-distortion plane."""

    rows: list[Row]
    """The rows that have both numbers."""
    rate: NDArray[Any]
    """KL, nats per example, mean over the seeds, (rows,)."""
    distortion: NDArray[Any]
    """−log p(x|z), nats per example, mean over the seeds, (rows,)."""
    is_evaluation: bool
    """Whether the numbers are of the final evaluation; otherwise they are of the best validation."""


def rate_distortion(rows: Sequence[Row]) -> Plane | None:
    """The plane of a ranking; None if the settings do not spread over it.

    The plane shows the runs that finished or, if no run did, all that did not diverge. All numbers are of one origin,
    evaluation or validation, whichever more runs have: numbers of two splits do not belong on one plane.
    """
    states = {record.state for row in rows for record in row.records}
    drawn = {"finished"} if "finished" in states else states - {"diverged"}

    def numbers(record: RunRecord, evaluated: bool) -> tuple[float, float] | None:
        source = (record.evaluation if evaluated else best_validation(record)) or {}
        kl, log_likelihood = source.get("kl"), source.get("log_likelihood")
        if record.state not in drawn or kl is None or log_likelihood is None:
            return None
        return (kl, -log_likelihood) if math.isfinite(kl + log_likelihood) else None

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
        plane: The settings in the plane.
        scales: The scales of the fields that were swept; the field `beta`, or else the first, gives the colours, and
            settings that differ in it alone are joined.
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
                axes.plot(
                    *zip(*(place[id(row)] for row in group), strict=True), color=theme.quiet, linewidth=1, zorder=3
                )
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
        rate: Range of the rate, in nats.
        distortion: Range of the distortion, in nats.

    Returns:
        The values in nats, rising.

    Example:
        >>> elbo_levels((0.0, 40.0), (60.0, 160.0))
        [-180.0, -160.0, -140.0, -120.0, -100.0, -80.0]
    """
    low, high = -distortion[1] - rate[1], -distortion[0] - rate[0]
    levels = MaxNLocator(7).tick_values(low, high)
    # The outermost lines would only cut off a corner.
    margin = 0.05 * (high - low)
    return [float(level) for level in levels if low + margin < level < high - margin]


def _limits(values: NDArray[Any]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _iso_elbo(axes: Axes, elbo: float, plane: Plane, theme: Theme) -> None:
    """Draw the line distortion = −ELBO − rate, with its value where the fewest points are in the way."""
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
