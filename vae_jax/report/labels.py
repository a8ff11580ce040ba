"""Words above a plot: its title, and a legend without a box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def name_plot(figure: Figure, title: str) -> None:
    """Put the title at the left edge of the plot, where the page's text begins, too."""
    figure.suptitle(title, x=0.0, ha="left", fontsize=9.5, weight="bold")


def words_above(axes: Axes, words: Sequence[tuple[str, str]]) -> None:
    """Put coloured words at the upper right, on the line of the title: a legend without a box.

    Args:
        axes: The plot, whose figure has a title.
        words: Each word with its colour, from left to right.
    """
    neighbour: Any = "figure fraction"
    for word, colour in reversed(words):
        # Each word is placed at the left end of the word to its right, wherever the font puts that.
        first = neighbour == "figure fraction"
        neighbour = axes.annotate(
            word,
            xy=(1, 0.98) if first else (0, 1),
            xycoords=neighbour,
            xytext=(-1 if first else -10, 0),
            textcoords="offset points",
            ha="right",
            va="top",
            color=colour,
            annotation_clip=False,
        )
        # The title has made room for it already.
        neighbour.set_in_layout(False)
