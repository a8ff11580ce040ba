"""The plots of a run, from plain dicts and arrays to PNG files: byte for byte the same for the same input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from vae_jax.report.labels import name_plot, words_above
from vae_jax.report.theme import LIGHT, Theme, plot, to_png

ACTIVE_KL = 0.01
"""KL in nats below which a latent dimension counts as unused, if the active ones were not counted otherwise."""

Metrics = Sequence[Mapping[str, Any]]
"""The lines of metrics.jsonl, `{"step": 500, "split": "validation", "value": -110.2, ...}`."""


def best_validation_step(metrics: Metrics) -> int | None:
    """The first step with the highest value on the validation split; None if no line has such a value."""
    steps, values = _series(metrics, "validation", "value")
    return int(steps[np.argmax(values)]) if len(values) else None


def learning_curve(
    metrics: Metrics,
    name: str,
    *,
    title: str,
    best_step: int | None = None,
    theme: Theme = LIGHT,
) -> bytes | None:
    """One quantity against the step, on both splits.

    The first tenth of the steps may leave the plot: it would flatten all that follows.

    Args:
        metrics: The lines of metrics.jsonl, any of whose keys may be missing.
        name: The key to plot.
        title: The quantity, with its unit.
        best_step: The validation step to mark.
        theme: The colours.

    Returns:
        A PNG file, or None if no line has such a number.
    """
    train_steps, train = _averaged(*_series(metrics, "train", name))
    steps, validation = _series(metrics, "validation", name)
    if not len(train) + len(validation):
        return None
    with plot(theme, 460, 300) as (figure, axes):
        name_plot(figure, title)
        axes.plot(train_steps, train, color=theme.quiet, linewidth=1.3, marker="." if len(train) == 1 else "")
        axes.plot(steps, validation, color=theme.accent, marker="." if len(validation) == 1 else "")
        _limit_to_what_follows_the_start(axes, (train_steps, train), (steps, validation))
        words = [("train", theme.muted)] * bool(len(train)) + [("validation", theme.accent)] * bool(len(validation))
        words_above(axes, words)
        if best_step is not None and best_step in steps:
            _mark_best(axes, theme, best_step, float(validation[steps == best_step][0]), "best  " * (name == "value"))
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        return to_png(figure)


def kl_bars(kl_per_dimension: ArrayLike, *, active_units: int | None = None, theme: Theme = LIGHT) -> bytes:
    """The KL of each latent dimension, the largest first, active ones in colour.

    Args:
        kl_per_dimension: Nats per example, (latent,).
        active_units: Number of active dimensions, if it was measured; by default those above `ACTIVE_KL` are counted.
        theme: The colours.

    Returns:
        A PNG file.
    """
    values = np.nan_to_num(np.asarray(kl_per_dimension, float).ravel())
    order = np.argsort(-values, kind="stable")
    num_active = int((values > ACTIVE_KL).sum()) if active_units is None else min(int(active_units), values.size)
    with plot(theme, 460, 300) as (figure, axes):
        name_plot(figure, "KL of each latent dimension (nats)")
        colours = [theme.accent] * num_active + [theme.quiet] * (values.size - num_active)
        axes.bar(np.arange(values.size), values[order], color=colours, width=0.5 if values.size < 4 else 0.78)
        axes.set_xlim(-0.7, max(values.size, 4) - 0.3)
        axes.set_ylim(0, max(values.max(initial=0) * 1.08, ACTIVE_KL))
        every = -(-values.size // 24)
        axes.set_xticks(np.arange(0, values.size, every), [str(dimension) for dimension in order[::every]])
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel("latent dimension, in falling order")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        labels = [(f"{num_active} active", theme.accent), (f"{values.size - num_active} unused", theme.muted)]
        words_above(axes, labels if num_active < values.size else labels[:1])
        return to_png(figure)


def group_bars(kl_per_group: Mapping[str, float], *, theme: Theme = LIGHT) -> bytes:
    """The KL of each group of a hierarchy, in the order of their names.

    Args:
        kl_per_group: Name -> nats per example.
        theme: The colours.

    Returns:
        A PNG file.
    """
    names = sorted(kl_per_group)
    values = np.nan_to_num(np.array([kl_per_group[name] for name in names], float))
    with plot(theme, 460, 300) as (figure, axes):
        name_plot(figure, "KL of each group (nats)")
        axes.bar(np.arange(values.size), values, color=theme.accent, width=0.5 if values.size < 4 else 0.78)
        axes.set_xlim(-0.7, max(values.size, 4) - 0.3)
        axes.set_ylim(0, max(values.max(initial=0) * 1.08, ACTIVE_KL))
        every = -(-values.size // 8)
        axes.set_xticks(np.arange(0, values.size, every), names[::every])
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        words_above(axes, [(f"{(values > ACTIVE_KL).sum()} of {values.size} groups in use", theme.muted)])
        return to_png(figure)


def _series(metrics: Metrics, split: str, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Steps and finite values of one quantity on one split."""
    lines = [line for line in metrics if line.get("split") == split and isinstance(line.get(name), (int, float))]
    steps = np.array([line["step"] for line in lines], int)
    values = np.array([line[name] for line in lines], float)
    return steps[np.isfinite(values)], values[np.isfinite(values)]


def _averaged(steps: NDArray[Any], values: NDArray[Any], most: int = 200) -> tuple[NDArray[Any], NDArray[Any]]:
    """At most `most` points, each the mean of equally many neighbours: single batches are too noisy to show a trend."""
    if len(values) <= most:
        return steps, values
    starts = np.linspace(0, len(values), most, endpoint=False).astype(int)
    counts = np.diff([*starts, len(values)])
    return np.add.reduceat(steps, starts) / counts, np.add.reduceat(values, starts) / counts


def _limit_to_what_follows_the_start(axes: Axes, *curves: tuple[NDArray[Any], NDArray[Any]]) -> None:
    last = max(steps[-1] for steps, _ in curves if len(steps))
    settled = [values[steps >= last / 10] for steps, values in curves]
    low, high = np.min(np.concatenate(settled)), np.max(np.concatenate(settled))
    # A floor, so that a constant is a level line and not magnified noise.
    margin = max(0.08 * (high - low), 1e-3 * max(abs(high), 1e-3))
    axes.set_ylim(low - margin, high + margin)


def _mark_best(axes: Axes, theme: Theme, step: int, value: float, prefix: str) -> None:
    axes.plot([step], [value], "o", color=theme.mark, markersize=5, markeredgecolor=theme.ground, clip_on=False)
    (low, high), (left, right) = axes.get_ylim(), axes.get_xlim()
    # Below the point, since validation mostly runs below training; but never out of the plot.
    below = value > low + 0.15 * (high - low)
    axes.annotate(
        f"{prefix}{value:,.2f}".replace("-", "−"),
        (step, value),
        xytext=(0, -9 if below else 9),
        textcoords="offset points",
        ha="right" if step > (left + right) / 2 else "left",
        va="top" if below else "bottom",
        color=theme.mark,
        path_effects=[patheffects.withStroke(linewidth=3, foreground=theme.ground)],
    )
