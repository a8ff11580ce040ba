"""The learning curves of all lanes in one plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from vae_jax.ranking import RunRecord
from vae_jax.report.labels import name_plot
from vae_jax.report.numbers import decimal
from vae_jax.report.sweep.colours import colour_of, key_above
from vae_jax.report.sweep.scale import Scale
from vae_jax.report.theme import LIGHT, Theme, plot, to_png

FEW = 8
"""Number of lanes up to which no lane leaves the plot, unless it is extreme."""


def lane_curves(
    records: Sequence[RunRecord], scale: Scale | None, *, best: str | None = None, theme: Theme = LIGHT
) -> bytes | None:
    """The validation bound of every lane against the step.

    The first tenth of the steps and lanes far below the others may leave the plot: they would flatten all else.

    Args:
        records: The lanes.
        scale: The scale of the field that gives the colours; None for one colour.
        best: The name of the lane to stress.
        theme: The colours.

    Returns:
        A PNG file, or None if no lane was validated yet.
    """
    drawn = [(record, curve) for record in records if len(curve := validation_curve(record))]
    if not drawn:
        return None
    width, opacity = line_style(len(drawn))
    with plot(theme, 520, 400) as (figure, axes):
        name_plot(figure, "Validation bound (nats)")
        colours = [
            colour_of(scale, record.fields.get(scale.name), theme) if scale else theme.accent for record, _ in drawn
        ]
        # The longest first, so that lanes which ended early lie on top of those that went on.
        order = sorted(range(len(drawn)), key=lambda i: -len(drawn[i][1]))
        axes.add_collection(
            LineCollection(
                [drawn[i][1] for i in order], colors=[colours[i] for i in order], linewidths=width, alpha=opacity
            )
        )
        axes.set_ylim(*view([curve for _, curve in drawn]))
        axes.set_xlim(0, max(1.0, *(curve[-1, 0] for _, curve in drawn)) * 1.02)
        _mark_ends(axes, drawn, colours, theme)
        for (record, curve), colour in zip(drawn, colours, strict=True):
            if record.name == best:
                _stress(axes, curve, colour, theme)
        if scale:
            key_above(axes, scale, theme)
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        return to_png(figure)


def validation_curve(record: RunRecord) -> NDArray[Any]:
    """Steps and finite validation values of a lane, (num, 2)."""
    points = [
        (line["step"], line["value"])
        for line in record.metrics
        if line.get("split") == "validation"
        and isinstance(line.get("value"), (int, float))
        and math.isfinite(line["value"])
    ]
    return np.array(points, float).reshape(-1, 2)


def line_style(num: int) -> tuple[float, float]:
    """Width in points and opacity of one of `num` lines: the more lines, the fainter."""
    return float(np.clip(2.2 - 0.25 * np.log2(num), 0.7, 1.8)), float(np.clip(1.5 * num**-0.25, 0.3, 1.0))


def view(curves: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """The lower and upper limit of the plot.

    They hold all values after the first tenth of the steps, unless some are far below the best: then they hold the
    values that the best lane went through, and those at which most lanes end.
    """
    last = max(curve[-1, 0] for curve in curves)
    settled = [curve[curve[:, 0] >= last / 10, 1] if curve[-1, 0] >= last / 10 else curve[-1:, 1] for curve in curves]
    best = max(settled, key=np.max)
    high = float(best.max())
    far = np.array([high - values[-1] for values in settled])
    reach = max(
        high - best.min(), (4 if far.size > FEW else 20) * np.median(far), 1.2 * np.quantile(far, 0.8, method="lower")
    )
    low = max(min(float(values.min()) for values in settled), high - reach)
    # A floor, so that a constant is a level line and not magnified noise.
    margin = max(0.05 * (high - low), 1e-3 * max(abs(high), 1e-3))
    return low - margin, high + margin


def _mark_ends(
    axes: Axes, drawn: Sequence[tuple[RunRecord, NDArray[Any]]], colours: Sequence[str], theme: Theme
) -> None:
    """A ring where a lane was stopped, a cross where it diverged; a cross below the plot moves to its lower edge."""
    floor = axes.get_ylim()[0]
    size = 5.0 if len(drawn) <= 64 else 3.5
    for (record, curve), colour in zip(drawn, colours, strict=True):
        step, value = curve[-1]
        at = (step, max(value, floor))
        if record.state == "diverged":
            axes.plot(*at, "x", color=theme.mark, markersize=size + 1.5, markeredgewidth=1.5, clip_on=False, zorder=6)
        elif record.state == "stopped" and value >= floor:
            axes.plot(
                *at, "o", color=colour, markersize=size, markerfacecolor=theme.ground, markeredgewidth=1, zorder=3
            )


def _stress(axes: Axes, curve: NDArray[Any], colour: str, theme: Theme) -> None:
    halo = [patheffects.withStroke(linewidth=4, foreground=theme.ground)]
    axes.plot(*curve.T, color=colour, linewidth=2.2, path_effects=halo, zorder=5)
    step, value = curve[np.argmax(curve[:, 1])]
    axes.plot(step, value, "o", color=theme.mark, markersize=5.5, markeredgecolor=theme.ground, clip_on=False, zorder=6)
    axes.annotate(
        f"best lane  {decimal(value)}",
        (step, value),
        xytext=(0, 8),
        textcoords="offset points",
        ha="right" if step > sum(axes.get_xlim()) / 2 else "left",
        va="bottom",
        color=theme.mark,
        path_effects=[patheffects.withStroke(linewidth=4.5, foreground=theme.ground)],
        zorder=7,
    )
