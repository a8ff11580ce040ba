"""The exact share of each pixel that a polygon covers: pictures with smooth edges, without sampling."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# Along an upright edge x does not change, and the share of it that is left of a line is a step; a ramp as narrow as
# this changes no coverage by more than an eighth of it.
_NARROWEST = 1e-6


def coverage(vertices: Float[Array, "num_vertices 2"], height: int, width: int) -> Float[Array, "height width"]:
    """The share of every pixel's area that lies within a polygon.

    By Green's theorem: let h(x) be how much of a pixel's width is right of x. Its derivative is −1 within the pixel's
    columns and 0 elsewhere, so the integral of h dy around the outline, within the pixel's row, is the area of the
    polygon within the pixel, up to the sign of the outline's direction. Each edge adds, for its part in the row,
    the height of this part times the mean of h along it.

    Args:
        vertices: (x, y) of the corners, in pixels, in either direction around a polygon that does not cross itself.
            Pixel (row, column) is the square from (column, row) to (column + 1, row + 1). What lies outside of the
            canvas is not drawn.
        height: Rows of the canvas.
        width: Columns of the canvas.

    Returns:
        Numbers in [0, 1], exact to a few units of rounding; differentiable in the vertices.

    Example:
        >>> triangle = jnp.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
        >>> coverage(triangle, height=2, width=2).tolist()
        [[1.0, 0.5], [0.5, 0.0]]
    """

    def add_edge(total: Array, edge: tuple[Array, Array]) -> tuple[Array, None]:
        heights, lefts, rights = _within_rows(*edge, height)
        return total + heights[:, None] * _mean_right_of(lefts[:, None], rights[:, None], width), None

    # One edge after the other, because a sum over an axis of edges leaves a processor's vector units idle; several a
    # step, because a GPU waits between steps.
    edges = (vertices, jnp.roll(vertices, -1, axis=0))
    total, _ = jax.lax.scan(add_edge, jnp.zeros((height, width)), edges, unroll=4)
    return jnp.minimum(jnp.abs(total), 1.0)


def _within_rows(start: Array, end: Array, height: int) -> tuple[Array, Array, Array]:
    # For the edge's part in each row: how far it goes down, its least x and its largest. Three arrays (height,).
    (x_start, y_start), (x_end, y_end) = start, end
    top = jnp.arange(height, dtype=start.dtype)
    first, last = jnp.clip(y_start, top, top + 1), jnp.clip(y_end, top, top + 1)
    is_flat = y_end == y_start
    slope = (x_end - x_start) / jnp.where(is_flat, 1.0, y_end - y_start)
    x_first = x_start + (first - y_start) * slope
    # A flat edge adds nothing, but with its true ends the gradient knows what it would add if it were tilted.
    x_last = jnp.where(is_flat, x_end, x_start + (last - y_start) * slope)
    return last - first, jnp.minimum(x_first, x_last), jnp.maximum(x_first, x_last)


def _mean_right_of(left: Array, right: Array, width: int) -> Array:
    # The mean, over x between left and right, of how much of each pixel's width is right of x.
    start = jnp.arange(width, dtype=left.dtype)
    per_length = 1 / jnp.maximum(right - left, _NARROWEST)
    before_start = jnp.clip((start - left) * per_length, 0.0, 1.0)
    before_end = jnp.clip((start + 1 - left) * per_length, 0.0, 1.0)
    # Before the pixel's start all of the pixel is to the right; from there to its end, as much as at the middle.
    middle = (jnp.clip(start + 1 - left, 0.0, 1.0) + jnp.clip(start + 1 - right, 0.0, 1.0)) / 2
    return before_start + (before_end - before_start) * middle
