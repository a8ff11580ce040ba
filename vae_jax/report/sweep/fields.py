"""The plot of the metric against one field that was swept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vae_jax.ranking import Row, lower_is_better
from vae_jax.report.labels import name_plot, words_above
from vae_jax.report.sweep.groups import along, are_lines
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale
from vae_jax.report.theme import LIGHT, Theme, plot, to_png

FEW = 8
"""Number of settings up to which no setting leaves a plot, unless it is extreme."""

LINE_LENGTH = 70
"""Number of letters that fit side by side below a plot; longer labels are tilted."""


def field_plot(
    rows: Sequence[Row], scale: Scale, others: Sequence[Scale], metric: str, *, theme: Theme = LIGHT
) -> bytes:
    """The metric against a field: a line for each choice of the other fields, or points if nothing repeats.

    Bands are one standard error over the seeds, up and down. Rows far worse than most may leave the plot.

    Args:
        rows: The ranking, the best first; at least one has a value.
        scale: The scale of the field.
        others: The scales of the other fields that were swept.
        metric: The metric of the ranking.
        theme: The colours.

    Returns:
        A PNG file.
    """
    groups = along(rows, scale, others)
    with plot(theme, 460, 300) as (figure, axes):
        name_plot(figure, quantity_of(metric).title)
        if are_lines(groups):
            for group in groups[:0:-1]:
                _line(axes, group, scale, theme.quiet, 1.0, 0.14, max(0.25, min(0.9, 4 / len(groups))))
            _line(axes, groups[0], scale, theme.accent, 2.0, 0.22, 1.0)
            if len(groups) > 1:
                words_above(axes, [("other settings", theme.muted), ("around the best", theme.accent)])
        else:
            _points(axes, groups, scale, theme)
            words_above(axes, [("each setting", theme.muted), ("the best tenth", theme.accent)])
        axes.plot(
            scale.place(rows[0].fields.get(scale.name)),
            means_of(rows)[0],
            "o",
            color=theme.mark,
            markersize=5.5,
            markeredgecolor=theme.ground,
            zorder=6,
            clip_on=False,
        )
        stressed = means_of(groups[0]) if are_lines(groups) else None
        axes.set_ylim(*view(means_of(rows), metric, stressed))
        show_scale(axes, scale)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        return to_png(figure)


def means_of(rows: Sequence[Row]) -> list[float]:
    """The metric of those rows that have it."""
    return [row.mean for row in rows if row.mean is not None]


def view(means: Sequence[float], metric: str, stressed: Sequence[float] | None = None) -> tuple[float, float]:
    """The limits of a plot of a metric: they hold all values if these are few, else those that are not far worse.

    Args:
        means: All values that could be shown.
        metric: Name of the metric, which says whether lower is better.
        stressed: The values to be seen well, with some room around them for the others; None for no such values.
    """
    values = np.asarray(means, float)
    best = values.min() if lower_is_better(metric) else values.max()
    far = np.abs(values - best)
    if stressed is not None:
        reach = max(2.5 * np.abs(np.asarray(stressed) - best).max(), np.median(far))
    else:
        reach = max((4 if far.size > FEW else 20) * np.median(far), 1.2 * np.quantile(far, 0.8, method="lower"))
    worst = float(far.max() if reach == 0 else min(far.max(), reach))
    low, high = (best, best + worst) if lower_is_better(metric) else (best - worst, best)
    margin = max(0.08 * worst, 1e-3 * max(abs(float(best)), 1e-3))
    return float(low - margin), float(high + margin)


def show_scale(axes: Axes, scale: Scale) -> None:
    """Put the field on the horizontal axis, with its own ticks and its name."""
    low, high = scale.ends
    margin = (0.35 if scale.kind == "classes" else 0.05) * ((high - low) if scale.kind != "classes" else 1)
    axes.set_xlim(low - margin, high + margin)
    ticks = scale.ticks()
    axes.set_xticks([at for at, _ in ticks], [words for _, words in ticks])
    if sum(len(words) + 2 for _, words in ticks) > LINE_LENGTH:
        for label in axes.get_xticklabels():
            label.set(rotation=25, ha="right", rotation_mode="anchor")
    axes.set_xlabel(scale.title)


def _line(
    axes: Axes, group: Sequence[Row], scale: Scale, colour: str, width: float, shade: float, opacity: float
) -> None:
    places = np.array([scale.place(row.fields.get(scale.name)) for row in group])
    means = np.array([row.mean for row in group], float)
    errors = np.array([row.standard_error or 0.0 for row in group])
    zorder = 2 + width
    if scale.kind == "classes":
        # No line: there is nothing between two classes.
        axes.errorbar(
            places, means, errors, fmt="o", color=colour, markersize=2 + 2 * width, elinewidth=width, alpha=opacity,
            zorder=zorder,
        )  # fmt: skip
        axes.plot(places, means, color=colour, linewidth=0.6 * width, alpha=0.5 * opacity, dashes=(1, 2), zorder=zorder)
        return
    axes.plot(
        places, means, color=colour, linewidth=width, alpha=opacity, marker="o", markersize=1 + width, zorder=zorder
    )
    axes.fill_between(
        places, means - errors, means + errors, color=colour, alpha=shade * opacity, linewidth=0, zorder=zorder - 1
    )


def _points(axes: Axes, groups: Sequence[Sequence[Row]], scale: Scale, theme: Theme) -> None:
    rows = [row for group in groups for row in group]
    places = np.array([scale.place(row.fields.get(scale.name)) for row in rows])
    means = np.array([row.mean for row in rows], float)
    # Groups come in the order of their best rows, and each is one row here.
    num_best = -(-len(rows) // 10)
    size = float(np.clip(3_000 / len(rows), 6, 22))
    axes.scatter(places[num_best:], means[num_best:], s=size, color=theme.quiet, alpha=0.6, linewidths=0, zorder=3)
    axes.scatter(places[:num_best], means[:num_best], s=1.3 * size, color=theme.accent, linewidths=0, zorder=4)
