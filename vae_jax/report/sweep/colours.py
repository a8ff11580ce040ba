"""Colours of a field's values: a ramp for numbers, classes for all else."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_hex

from vae_jax.report.labels import words_above
from vae_jax.report.sweep.scale import Scale, value_words
from vae_jax.report.theme import CLASSES, DARK, Theme

FEW = 6
"""Largest number of values that are named in their colours; for more values a bar is drawn."""


def colour_of(scale: Scale, value: Any, theme: Theme) -> str:
    """The colour of a value, as CSS reads it."""
    if scale.kind == "classes":
        return CLASSES[scale.values.index(value) % len(CLASSES)]
    return to_hex(ramp(theme)(scale.fraction(value)))


def ramp(theme: Theme) -> Colormap:
    """Viridis, without the end that can hardly be seen on the ground of a theme."""
    low, high = (0.3, 1.0) if theme == DARK else (0.0, 0.87)
    viridis = matplotlib.colormaps["viridis"]
    return LinearSegmentedColormap.from_list("ramp", [viridis(low + (high - low) * i / 255) for i in range(256)])


def key_above(axes: Axes, scale: Scale, theme: Theme) -> None:
    """Draw the key to the colours: the values as coloured words above the plot, or a bar beside it if they are many."""
    name = scale.title
    if scale.kind == "classes" or len(scale.values) <= FEW:
        words_above(axes, [(name, theme.muted), *_named(scale, theme)])
        return
    bar = axes.figure.colorbar(
        ScalarMappable(Normalize(*scale.ends), ramp(theme)), ax=axes, aspect=45, pad=0.02, fraction=0.05
    )
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.set_ticks([at for at, _ in scale.ticks()], labels=[word for _, word in scale.ticks()])
    bar.ax.minorticks_off()
    bar.ax.tick_params(length=0, labelcolor=theme.muted)
    words_above(axes, [(name, theme.muted)])


def _named(scale: Scale, theme: Theme) -> list[tuple[str, str]]:
    """The words of the values that fit beside the title, each with its colour."""
    named, room = [], 38
    for value in scale.values:
        words = value_words(value)
        room -= len(words) + 2
        if room < 0:
            return [*named, ("…", theme.muted)]
        named.append((words, colour_of(scale, value, theme)))
    return named
