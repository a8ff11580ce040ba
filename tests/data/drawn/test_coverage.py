"""Areas of pixels within a polygon, against closed forms, against counting points, and against themselves."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.measure import points_in_poly

from vae_jax.data.drawn.coverage import coverage

HEIGHT, WIDTH = 20, 24
draw = jax.jit(partial(coverage, height=HEIGHT, width=WIDTH))


def rectangle(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def turned(vertices, angle, about=(11.3, 9.6)):
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((vertices - about) @ rotation + about).astype(np.float32)


def star(num_points, seed):
    """A polygon with dents, within the canvas."""
    radii = np.random.default_rng(seed).uniform(2, 9, num_points)
    angles = np.arange(num_points) * 2 * np.pi / num_points
    points = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1) + (12.1, 9.9)
    return points.astype(np.float32)


def area(vertices):
    """The shoelace formula."""
    x, y = np.asarray(vertices, np.float64).T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def overlap(low, high, num):
    """Of the intervals [0, 1], [1, 2], ..., how much lies in [low, high]."""
    starts = np.arange(num)
    return np.clip(np.minimum(high, starts + 1) - np.maximum(low, starts), 0, None)


RECTANGLES = [
    (3, 2, 7, 5),  # on the lattice
    (3.25, 2.5, 7.75, 5.125),
    (3.1, 2.7, 3.3, 2.9),  # within one pixel
    (0.6, 0.3, 23.9, 19.2),
    (-5.5, -3.25, 30.0, 4.5),  # beyond the canvas
    (-9.0, 3.0, -2.0, 8.0),  # outside of it
    (1.0000001, 5.999999, 12.0, 13.000001),
    (3.0003, 2.0004, 7.9996, 5.9998),  # beside the lattice
]


@pytest.mark.parametrize("sides", RECTANGLES)
def test_a_rectangle_covers_the_product_of_its_overlaps(sides):
    left, top, right, bottom = sides
    expected = overlap(top, bottom, HEIGHT)[:, None] * overlap(left, right, WIDTH)
    np.testing.assert_allclose(draw(rectangle(*sides)), expected, atol=1e-6)


@pytest.mark.parametrize("angle", [1e-7, 1e-4, 0.01, 0.3, np.pi / 4, 1.2, np.pi / 2, 3.0])
def test_a_turned_square_keeps_its_area(angle):
    vertices = turned(rectangle(7.1, 5.2, 15.6, 13.7), angle)
    np.testing.assert_allclose(draw(vertices).sum(dtype=float), 8.5**2, rtol=2e-6)


@pytest.mark.parametrize("seed", range(5))
def test_counting_points_gives_the_same(seed):
    """64 x 64 points a pixel; an edge through a pixel misjudges a share of about 1/64 of them at the very most."""
    vertices = star(9, seed)
    ticks = (np.arange(64 * max(HEIGHT, WIDTH)) + 0.5) / 64
    x, y = np.meshgrid(ticks[: 64 * WIDTH], ticks[: 64 * HEIGHT])
    inside = points_in_poly(np.stack([x.ravel(), y.ravel()], axis=-1), vertices)
    counted = inside.reshape(HEIGHT, 64, WIDTH, 64).mean(axis=(1, 3))
    difference = np.abs(np.asarray(draw(vertices)) - counted)
    assert difference.max() < 1 / 64
    assert difference.mean() < 1e-4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("num_points", [3, 8, 61])
def test_all_pixels_together_cover_the_area(num_points, seed):
    vertices = star(num_points, seed)
    np.testing.assert_allclose(draw(vertices).sum(dtype=float), area(vertices), rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_shape_and_the_rest_of_the_canvas_cover_everything_once(seed):
    """The rest is one polygon: around the canvas, along a cut to the shape, around it the other way, and back."""
    vertices = star(7, seed)
    first = int(vertices[:, 0].argmax())
    vertices = np.roll(vertices, -first, axis=0)
    canvas = rectangle(0, 0, WIDTH, HEIGHT)
    canvas = np.concatenate([[[WIDTH, vertices[0, 1]]], canvas[[2, 3, 0, 1]], [[WIDTH, vertices[0, 1]]]])
    rest = np.concatenate([canvas, vertices[:1], vertices[:0:-1], vertices[:1]]).astype(np.float32)
    np.testing.assert_allclose(draw(vertices) + draw(rest), 1.0, atol=2e-6)


def test_neither_the_direction_nor_the_first_corner_matters():
    vertices = star(11, 0)
    for same in (vertices[::-1], np.roll(vertices, 4, axis=0), np.repeat(vertices, 2, axis=0)):
        np.testing.assert_allclose(draw(same), draw(vertices), atol=1e-6)


def test_what_is_beyond_the_canvas_does_not_change_what_is_on_it():
    vertices = star(11, 1)
    large = coverage(vertices + 10, HEIGHT + 20, WIDTH + 20)
    np.testing.assert_allclose(large[10:-10, 10:-10], draw(vertices), atol=5e-6)
    moved = vertices - (9, 8)
    np.testing.assert_allclose(draw(moved.astype(np.float32))[:12, :15], draw(vertices)[8:, 9:], atol=5e-6)


def test_it_may_be_mapped_and_compiled():
    many = np.stack([star(6, seed) for seed in range(4)])
    mapped = jax.vmap(partial(coverage, height=HEIGHT, width=WIDTH))(many)
    one_by_one = [coverage(vertices, HEIGHT, WIDTH) for vertices in many]
    np.testing.assert_allclose(mapped, one_by_one, atol=1e-6)


@pytest.mark.parametrize("vertices", [star(8, 0), rectangle(3, 2, 7, 5), rectangle(3.5, 2.5, 7.5, 5.5)])
def test_gradients_are_finite_and_those_of_the_area(vertices):
    """Moving a corner by d changes the area by half of d across the line through its neighbours."""
    gradient = jax.grad(lambda v: draw(v).sum())(vertices)
    before, after = np.roll(vertices, 1, axis=0), np.roll(vertices, -1, axis=0)
    x, y = (after - before).T
    expected = np.stack([y, -x], axis=-1) / 2
    direction = np.sign(np.sum(expected * gradient))
    assert np.isfinite(gradient).all()
    if not (vertices == vertices.round()).all():  # where a corner on the lattice is a kink of min and max
        np.testing.assert_allclose(gradient, direction * expected, atol=1e-3)


def test_the_gradient_of_one_pixel_is_the_difference_quotient():
    vertices, step = star(8, 3), 1e-2
    weights = np.random.default_rng(0).normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    value = lambda v: (draw(v) * weights).sum()
    gradient = jax.grad(value)(vertices)
    for corner in np.ndindex(4, 2):
        nudge = np.zeros_like(vertices)
        nudge[corner] = step
        quotient = (value(vertices + nudge) - value(vertices - nudge)) / (2 * step)
        np.testing.assert_allclose(gradient[corner], quotient, atol=5e-3)


def test_a_polygon_without_area_covers_nothing():
    line = jnp.array([[2.0, 3.0], [9.0, 8.0], [2.0, 3.0]])
    np.testing.assert_allclose(draw(line), 0.0, atol=1e-6)
