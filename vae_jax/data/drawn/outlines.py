"""A square, an ellipse and a heart as polygons of one area, around the origin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

AREA = 1.5
"""The area of each outline. No outline reaches further than 1 from the origin, its centroid."""

_NUM_VERTICES = 64


def square(turns: np.ndarray) -> np.ndarray:
    """An upright square of side 2."""
    across = lambda turns: np.clip(8 * np.abs(turns % 1 - 0.5) - 2, -1, 1)
    return np.stack([across(turns), across(turns - 0.25)], axis=-1)


def ellipse(turns: np.ndarray) -> np.ndarray:
    """A lying ellipse, twice as wide as high."""
    angles = 2 * np.pi * turns
    return np.stack([np.cos(angles), np.sin(angles) / 2], axis=-1)


def heart(turns: np.ndarray) -> np.ndarray:
    """A heart with its tip down. Source: Weisstein, "Heart Curve", MathWorld, the sixth; its area is 180 π."""
    angles = 2 * np.pi * turns
    waves = np.cos(np.outer([1, 2, 3, 4], angles))
    return np.stack([16 * np.sin(angles) ** 3, -(np.array([13, -5, -2, -1]) @ waves)], axis=-1)


def outline(curve: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The vertices of a closed curve, moved and scaled so that the polygon has its centroid at 0 and area `AREA`.

    A polygon with its corners on the curve would be a little smaller than the area that the curve encloses.

    Args:
        curve: Maps turns in [0, 1) to (x, y), with y counted downwards as the rows of an image are.

    Returns:
        (num_vertices, 2) float32.
    """
    vertices = curve(np.arange(_NUM_VERTICES) / _NUM_VERTICES)
    area, centroid = area_and_centroid(vertices)
    return ((vertices - centroid) * np.sqrt(AREA / abs(area))).astype(np.float32)


def area_and_centroid(vertices: np.ndarray) -> tuple[float, np.ndarray]:
    """The area and centroid of a polygon, by the shoelace formula; the area's sign is the direction of the vertices."""
    following = np.roll(vertices, -1, axis=0)
    crosses = vertices[:, 0] * following[:, 1] - vertices[:, 1] * following[:, 0]
    area = crosses.sum() / 2
    return area, crosses @ (vertices + following) / (6 * area)


OUTLINES = {curve.__name__: outline(curve) for curve in (square, ellipse, heart)}
"""Name of a shape -> vertices of its outline."""
