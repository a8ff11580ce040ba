"""The scatter plot of the codes of examples in two latent dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from vae_jax.report.theme import CLASSES, LIGHT, Theme, plot, to_png

MARKERS = ("o", "^", "s", "D")
"""Shapes of the points: classes beyond the number of colours take the colours again with the next shape."""


def latent_scatter(
    codes: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    dimensions: tuple[int, int] = (0, 1),
    prior_circle: bool = True,
    theme: Theme = LIGHT,
) -> bytes:
    """Codes of examples in two latent dimensions, coloured by label.

    Args:
        codes: (num, latent), posterior means.
        labels: (num,) classes, or values of a continuous quantity as floats; None for no labels.
        dimensions: The latent dimension to the right and the one upwards.
        prior_circle: Draw the circle that holds 95 % of a two-dimensional standard normal prior.
        theme: The colours.

    Returns:
        A PNG file.
    """
    points = np.asarray(codes, float)[:, list(dimensions)]
    with plot(theme, 560, 540) as (figure, axes):
        axes.grid(False)
        axes.spines["bottom"].set_visible(False)
        axes.set_aspect("equal", adjustable="datalim")
        axes.tick_params(length=0)
        if prior_circle:
            _draw_prior_circle(axes, theme)
        _draw_points(axes, points, None if labels is None else np.asarray(labels), theme)
        for axis, name in zip((axes.xaxis, axes.yaxis), dimensions, strict=True):
            axis.set_major_locator(MaxNLocator(7, integer=True))
            axis.set_label_text(f"latent dimension {name}")
        return to_png(figure)


def _draw_prior_circle(axes: Axes, theme: Theme) -> None:
    angle = np.linspace(0, 2 * np.pi, 361)
    # P(|z| < r) = 1 − exp(−r²/2) in two dimensions.
    radius = np.sqrt(-2 * np.log(1 - 0.95))
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=theme.quiet, linewidth=1, dashes=(4, 3))


def _draw_points(axes: Axes, points: NDArray[Any], labels: NDArray[Any] | None, theme: Theme) -> None:
    style: dict[str, Any] = {"s": float(np.clip(16_000 / max(len(points), 1), 4, 18)), "alpha": 0.8, "linewidths": 0}
    if labels is None:
        axes.scatter(*points.T, color=theme.accent, **style)
        return
    if labels.dtype.kind == "f":
        drawn = axes.scatter(*points.T, c=labels, cmap="cividis", **style)
        bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.5, aspect=30)
        bar.outline.set_visible(False)  # type: ignore[operator]
        return
    classes, which = np.unique(labels, return_inverse=True)
    for number, name in enumerate(classes):
        colour = CLASSES[number % len(CLASSES)]
        marker = MARKERS[number // len(CLASSES) % len(MARKERS)]
        axes.scatter(*points[which == number].T, color=colour, marker=marker, label=str(name), **style)
    for number, name in enumerate(classes):
        # The name in its cluster, so that no reader has to match ten colours with a legend.
        x, y = np.median(points[which == number], axis=0)
        halo = [patheffects.withStroke(linewidth=3.5, foreground=theme.ground)]
        axes.text(x, y, str(name), ha="center", va="center", fontsize=12, weight="bold", path_effects=halo)
    longest = max(len(str(name)) for name in classes)
    columns = max(1, min(len(classes), 10, 60 // (longest + 3)))
    legend = axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, frameon=False, handletextpad=0.1, columnspacing=0.9,
        borderpad=0, borderaxespad=0.4,
    )  # fmt: skip
    for handle in legend.legend_handles:
        handle.set(alpha=1, sizes=[26])  # type: ignore[union-attr]
