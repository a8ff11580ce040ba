"""Parallel coordinates: every setting as a line across one axis for each field."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from vae_jax.ranking import Row, lower_is_better
from vae_jax.report.labels import name_plot, words_above
from vae_jax.report.sweep.fields import means_of, view
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale, value_words
from vae_jax.report.theme import LIGHT, Theme, plot, to_png


def parallel_coordinates(rows: Sequence[Row], scales: Sequence[Scale], metric: str, *, theme: Theme = LIGHT) -> bytes:
    """All settings, each a line from field to field to its metric; the best tenth in colour.

    Args:
        rows: The ranking, the best first; at least one has a value.
        scales: The scales of the fields, in the order of the axes.
        metric: The metric of the ranking, on the last axis: better is higher up.
        theme: The colours.

    Returns:
        A PNG file.
    """
    rows = [row for row in rows if row.mean is not None]
    low, high = view(means_of(rows), metric)
    worst, best = (high, low) if lower_is_better(metric) else (low, high)
    heights = line_heights(rows, scales, worst, best)
    num_best = -(-len(rows) // 10)
    with plot(theme, max(1072, 120 * len(scales)), 380) as (figure, axes):
        name_plot(figure, "Every setting, from field to field")
        axes.set_axis_off()
        curves = [smooth(line) for line in heights]
        opacity = float(np.clip(6 / len(rows), 0.16, 0.7))
        axes.add_collection(LineCollection(curves[num_best:], colors=theme.quiet, linewidths=1, alpha=opacity))
        axes.add_collection(LineCollection(curves[1:num_best], colors=theme.accent, linewidths=1.4, alpha=0.85))
        axes.add_collection(LineCollection(curves[:1], colors=theme.mark, linewidths=2.2))
        for number, scale in enumerate(scales):
            first, last = scale.ends
            ticks = [((at - first) / (last - first), words) for at, words in scale.ticks()]
            _axis(axes, number, ticks, scale.title, theme, last=False)
        round_numbers = [float(value) for value in MaxNLocator(5).tick_values(low, high) if low <= value <= high]
        ticks = [((value - worst) / (best - worst), value_words(value)) for value in round_numbers]
        _axis(axes, len(scales), ticks, quantity_of(metric).title, theme, last=True)
        axes.set_xlim(-0.12, len(scales) + 0.12)
        axes.set_ylim(-0.06, 1.14)
        legend = [("the other settings", theme.muted), ("the best tenth", theme.accent), ("the best", theme.mark)]
        words_above(axes, [legend[0], *legend[2 if num_best < 2 else 1 :]] if len(rows) > 1 else legend[2:])
        return in_few_colours(to_png(figure))


def in_few_colours(png: bytes) -> bytes:
    """The same image in 256 colours: with few hues the loss is invisible, and hundreds of lines take half the space."""
    file = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def line_heights(rows: Sequence[Row], scales: Sequence[Scale], worst: float, best: float) -> NDArray[Any]:
    """The height at which each row crosses each axis, from 0 at the bottom to 1 at the top, (rows, fields + 1).

    Rows that share a value are spread a little, the better ones higher, so that lines do not hide each other.

    Args:
        rows: The rows that have a value, the best first.
        scales: The scales of the fields.
        worst: The metric at the foot of the last axis; worse values stay there.
        best: The metric at the top of the last axis.
    """
    of_fields = [[scale.fraction(row.fields.get(scale.name)) for scale in scales] for row in rows]
    heights = np.column_stack([of_fields, (np.array(means_of(rows)) - worst) / (best - worst)])
    heights[:, -1] = np.clip(heights[:, -1], 0, 1)
    for column, scale in enumerate(scales):
        if len(scale.values) > len(rows) / 2:
            continue
        room = 0.3 * min(1.0, *np.diff(sorted({scale.fraction(value) for value in scale.values})), 0.12)
        for at in set(heights[:, column]):
            same = np.flatnonzero(heights[:, column] == at)
            heights[same, column] += np.linspace(room, -room, len(same)) if len(same) > 1 else 0.0
    return heights


def smooth(heights: NDArray[Any], num: int = 60) -> NDArray[Any]:
    """A curve that is level where it crosses each axis, (points, 2): a reader can follow it through a crossing."""
    along = np.linspace(0, 1, num)
    ease = along**2 * (3 - 2 * along)
    places = np.concatenate([number + along for number in range(len(heights) - 1)])
    values = np.concatenate([low + (high - low) * ease for low, high in pairwise(heights)])
    return np.column_stack([places, values])


def _axis(axes: Axes, place: int, ticks: Sequence[tuple[float, str]], name: str, theme: Theme, *, last: bool) -> None:
    """Draw one axis; the words of the last axis stand on its free side."""
    halo = [patheffects.withStroke(linewidth=3, foreground=theme.ground)]
    side, align = (1, "left") if last else (-1, "right")
    axes.plot([place, place], [0, 1], color=theme.muted, linewidth=1, zorder=4)
    axes.text(place, 1.07, name, ha="center", color=theme.ink, weight="bold", zorder=6, path_effects=halo)
    for height, words in ticks:
        axes.annotate(
            words, (place, height), xytext=(6 * side, 0), textcoords="offset points", ha=align, va="center",
            color=theme.ink, fontsize=8, zorder=6, path_effects=halo, annotation_clip=False,
        )  # fmt: skip
        axes.annotate(
            "", (place, height), xytext=(4 * side, 0), textcoords="offset points", zorder=4,
            arrowprops={"arrowstyle": "-", "color": theme.muted, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
