"""What each factor does to an image, measured on the image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.data import Design
from vae_jax.data.drawn.design import SHAPE_NAMES
from vae_jax.data.drawn.outlines import AREA, OUTLINES, area_and_centroid

DESIGN = Design()
FINE = Design(image_size=512)
"""The same factors on a finer canvas, where a pixel's centre stands for what is within it."""
SIZES = np.array(list(DESIGN.sizes.values()))
EXTREMES = np.stack(np.meshgrid(range(3), (0, 5), range(40), (0, 31), (0, 31), indexing="ij"), axis=-1).reshape(-1, 5)
SOME = np.random.default_rng(0).integers(0, SIZES, (30, 5))


def drawn(design, factors):
    return np.asarray(jax.jit(lambda f: jax.lax.map(design.draw, f, batch_size=64))(factors))


def moments(images):
    """Of each image, with its width as the unit: the area, the centroid (x, y) and the covariance around it."""
    size = images.shape[-1]
    centres = (np.arange(size) + 0.5) / size
    points = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    weights = images.reshape(len(images), -1).astype(float) / size**2
    areas = weights.sum(axis=1)
    centroids = weights @ points / areas[:, None]
    squares = np.einsum("np,pi,pj->nij", weights, points, points) / areas[:, None, None]
    return areas, centroids, squares - centroids[:, :, None] * centroids[:, None, :]


@pytest.fixture(scope="module")
def measured():
    return moments(drawn(FINE, SOME))


@pytest.mark.parametrize("name", SHAPE_NAMES)
def test_an_outline_has_its_area_its_centroid_at_the_origin_and_reaches_no_further_than_one(name):
    vertices = OUTLINES[name].astype(float)
    area, centroid = area_and_centroid(vertices)
    np.testing.assert_allclose(abs(area), AREA, rtol=1e-6)
    np.testing.assert_allclose(centroid, 0, atol=1e-7)
    assert np.hypot(*vertices.T).max() <= 1
    assert len(np.unique(vertices, axis=0)) == len(vertices)


def test_the_outlines_are_near_the_curves_whose_area_is_known():
    """A square of side √A; an ellipse of A = π a b with a = 2 b; a heart of 180 π, A / 180 π times as large."""
    square, ellipse, heart = (OUTLINES[name].astype(float) for name in ("square", "ellipse", "heart"))
    np.testing.assert_allclose(np.abs(square).max(axis=1), np.sqrt(AREA) / 2, rtol=1e-6)
    b = np.sqrt(AREA / (2 * np.pi))
    np.testing.assert_allclose(np.hypot(ellipse[:, 0] / (2 * b), ellipse[:, 1] / b), 1, atol=1e-3)
    scale = np.sqrt(AREA / (180 * np.pi))
    np.testing.assert_allclose(np.ptp(heart, axis=0), scale * np.array([32, 28.97]), rtol=3e-3)
    assert heart[:, 1].argmax() == 32  # the tip is below
    np.testing.assert_allclose(heart[32, 0], 0, atol=1e-6)


def test_x_and_y_move_the_centroid_evenly_between_a_quarter_and_three_quarters(measured):
    """To a thousandth of a pixel of the 64."""
    expected = 0.25 + 0.5 * SOME[:, 3:] / 31
    np.testing.assert_allclose(measured[1], expected, atol=1e-3 / 64)


def test_scale_goes_evenly_from_half_to_full_and_the_area_with_its_square(measured):
    lengths = 0.25 * (0.5 + 0.5 * SOME[:, 1] / 5)
    np.testing.assert_allclose(measured[0], AREA * lengths**2, rtol=1e-5)


def test_orientation_turns_the_second_moments(measured):
    """To those of the same shape at angle 0, turned; the area's own unit takes scale out."""
    areas, _, covariances = measured
    upright = moments(drawn(FINE, SOME * (1, 1, 0, 1, 1)))[2]
    angles = 2 * np.pi * SOME[:, 2] / 40
    turns = np.array([[np.cos(angles), np.sin(angles)], [-np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    expected = turns @ upright @ turns.transpose(0, 2, 1)
    np.testing.assert_allclose(covariances / areas[:, None, None], expected / areas[:, None, None], atol=2e-4)


def test_orientation_turns_counter_clockwise():
    """A quarter turn of the canvas, as numpy turns it, is ten of forty angles."""
    upright = np.array([[shape, 5, 0, 0, 0] for shape in range(3)])
    middle = Design(num_x=1, num_y=1)
    turned = drawn(middle, np.array([[shape, 5, 10, 0, 0] for shape in range(3)]))
    np.testing.assert_allclose(np.rot90(drawn(middle, upright), axes=(1, 2)), turned, atol=2e-5)


def test_forty_orientations_are_distinct_as_far_as_the_shape_is():
    """A square looks the same after a quarter turn, an ellipse after half a turn, a heart after a whole one."""
    for shape, num_distinct in enumerate((10, 20, 40)):
        images = drawn(DESIGN, np.array([[shape, 5, angle, 9, 17] for angle in range(40)]))
        apart = np.abs(images[:, None] - images).max(axis=(2, 3))
        assert ((apart < 1e-3).sum(axis=1) == 40 // num_distinct).all()
        assert apart[apart >= 1e-3].min() > 0.02


def test_everything_stays_inside_the_canvas():
    """At the extremes of scale and place, at every angle: between them, nothing reaches further."""
    vertices = np.asarray(jax.vmap(DESIGN.vertices)(EXTREMES))
    assert vertices.min() > 0
    assert vertices.max() < 64
    border = drawn(DESIGN, EXTREMES)
    np.testing.assert_allclose(border.sum(axis=(1, 2)), AREA * (16 * np.where(EXTREMES[:, 1], 1, 0.5)) ** 2, rtol=2e-5)


def test_every_combination_has_factors_of_its_own():
    factors = DESIGN.factors(np.arange(len(DESIGN)))
    assert factors.shape == (737_280, 5)
    assert (factors >= 0).all()
    assert (factors < SIZES).all()
    np.testing.assert_array_equal(np.ravel_multi_index(tuple(factors.T), tuple(SIZES)), np.arange(len(DESIGN)))
    np.testing.assert_array_equal(jax.jit(DESIGN.factors)(jnp.arange(7_000, 7_100)), factors[7_000:7_100])


def test_an_image_is_stored_as_the_rounded_share_of_255():
    """Whether it is compiled, as `drawn` is, or not, as this one."""
    image = DESIGN.render(jnp.asarray(SOME[0]))
    assert image.dtype == jnp.uint8
    assert np.abs(image / 255 - drawn(DESIGN, SOME[:1])[0]).max() < 0.501 / 255
    assert image.min() == 0
    assert image.max() == 255


def test_colours_are_hues_around_the_circle_on_darker_grounds():
    design = Design(num_colours=3, num_backgrounds=6)
    assert list(design.sizes)[:2] == ["colour", "background"]
    factors = np.array([[colour, ground, 0, 5, 0, 16, 16] for colour in range(3) for ground in range(6)])
    images = drawn(design, factors).reshape(3, 6, 64, 64, 3)
    np.testing.assert_allclose(images[:, :, 32, 32], np.repeat(np.eye(3)[:, None], 6, axis=1), atol=1e-5)
    hues = [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]]
    np.testing.assert_allclose(images[:, :, 0, 0], np.tile(np.array(hues) / 3, (3, 1, 1)), atol=1e-5)


@pytest.mark.parametrize(
    ("colours", "shape", "white", "black"),
    [
        ({}, (64, 64), 1, 0),
        ({"num_colours": 5}, (64, 64, 3), (1, 0, 0), (0, 0, 0)),
        ({"num_backgrounds": 5}, (64, 64, 3), (1, 1, 1), (1 / 3, 0, 0)),
    ],
)
def test_without_a_factor_of_colour_the_shape_is_white_and_the_ground_black(colours, shape, white, black):
    design = Design(**colours)
    (image,) = drawn(design, np.array([[0] * len(colours) + [0, 5, 0, 16, 16]]))
    assert image.shape == design.image_shape == shape
    np.testing.assert_allclose(image[32, 32], white, atol=1e-5)
    np.testing.assert_allclose(image[0, 0], black, atol=1e-5)


def test_a_single_value_is_full_size_in_the_middle():
    design = Design(image_size=16, num_scales=1, num_orientations=1, num_x=1, num_y=1)
    assert len(design) == 3
    images = drawn(design, design.factors(np.arange(3)))
    np.testing.assert_allclose(images.sum(axis=(1, 2)), AREA * 4**2, rtol=1e-5)
    np.testing.assert_allclose(images[:2], images[:2, ::-1, ::-1], atol=1e-5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_x": 0}, r"expected an image size and numbers of values of at least 1; got .*num_x=0"),
        ({"image_size": 0}, r"expected an image size and numbers of values of at least 1; got .*image_size=0"),
        ({"num_colours": -1}, r"expected numbers of colours of at least 1, or 0 for none; got .*num_colours=-1"),
        ({"num_colours": 3_000}, r"expected at most 2\^31 - 1 combinations; got 2211840000 of .*; take fewer values"),
    ],
)
def test_a_design_that_cannot_be_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Design(**values)
