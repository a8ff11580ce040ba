"""The look that plots and page share: two grounds, one accent, a palette that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vae_jax.grids import png_bytes

PIXELS_PER_INCH = 100  # so that a plot's sizes are CSS pixels / 100
PIXEL_RATIO = 2  # of a sharp screen


class Theme(NamedTuple):
    """The colours for one ground, in a notation that CSS and matplotlib both read."""

    ground: str
    """Background of the page and the plots."""
    raised: str
    """Background of a table or a command."""
    ink: str
    """Colour of text."""
    muted: str
    """Colour of secondary text."""
    line: str
    """Colour of rules and grid lines."""
    quiet: str
    """Colour of secondary data."""
    accent: str
    """Colour of primary data; Okabe & Ito's blue or sky blue."""
    mark: str
    """Colour of the one point to look at; Okabe & Ito's vermilion or orange."""


LIGHT = Theme("#ffffff", "#f5f6f7", "#1b1f24", "#5b6470", "#e1e4e8", "#aab1ba", "#0072b2", "#c44e00")
DARK = Theme("#14171b", "#1d2126", "#e7eaee", "#9aa4b0", "#2b3138", "#6b7480", "#56b4e9", "#f0a030")

CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours for classes. Source: Petroff 2021, arXiv:2107.02270, chosen for colour-vision deficiencies."""


@contextmanager
def plot(theme: Theme, width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """An empty plot in the house style; inside the context, this machine's matplotlib settings do not apply.

    Args:
        theme: The colours.
        width: Width in CSS pixels.
        height: Height in CSS pixels.
    """
    # The object interface: pyplot would keep a list of figures, and choose a backend that depends on the machine.
    with matplotlib.style.context(["default", _style(theme)]):
        figure = Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), layout="constrained")
        yield figure, figure.add_subplot()


def to_png(figure: Figure) -> bytes:
    """The plot as a PNG file."""
    # `savefig` would draw twice, the first time to find the layout, which a drawing finds by itself.
    figure.set_dpi(PIXELS_PER_INCH * PIXEL_RATIO)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return png_bytes(np.asarray(canvas.buffer_rgba()))


def _style(theme: Theme) -> dict[str, Any]:
    return {
        # A font family that comes with matplotlib, so that every machine draws the same.
        "font.family": "DejaVu Sans",
        "font.size": 8.5,
        # Names come from users: a dollar sign in one is just that.
        "text.parse_math": False,
        "text.color": theme.ink,
        "figure.facecolor": theme.ground,
        "axes.facecolor": theme.ground,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.muted,
        "axes.labelsize": 8.5,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "grid.color": theme.line,
        "grid.linewidth": 0.7,
        "xtick.color": theme.line,
        "ytick.color": theme.line,
        "xtick.labelcolor": theme.muted,
        "ytick.labelcolor": theme.muted,
        "ytick.major.size": 0,
        "lines.linewidth": 1.6,
        "lines.solid_capstyle": "round",
    }
