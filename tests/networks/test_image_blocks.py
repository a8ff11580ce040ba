"""Blocks for images against XLA's convolution, and their starts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from vae_jax.networks import convolve, image_block, pixel_readout, pixelwise

KEY = jax.random.key(0)


def test_the_convolution_is_that_of_xla():
    image, kernel = jax.random.normal(KEY, (5, 7, 3)), jax.random.normal(KEY, (9 * 3, 4))
    numbers = ("NHWC", "HWIO", "NHWC")
    expected = lax.conv_general_dilated(
        image[None], kernel.reshape(3, 3, 3, 4), (1, 1), "SAME", dimension_numbers=numbers
    )
    np.testing.assert_allclose(convolve(image, kernel), expected[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("side", "reach"), [(7, 2), (2, 0)])
def test_a_block_sees_two_pixels_far_and_in_tiny_images_none(side, reach):
    block = image_block((side, side, 4), 6, 3)
    params = block.init(KEY)
    image = jax.random.normal(KEY, (side, side, 4))
    change = np.abs(block.apply(params, image) - block.apply(params, image.at[0, 0].add(1.0))).max(axis=-1)
    assert (change[: reach + 1, : reach + 1] > 0).all()
    assert not change[reach + 1 :].any()
    assert not change[:, reach + 1 :].any()


def test_scales_are_those_of_the_last_weights():
    image = jax.random.normal(KEY, (4, 4, 4))
    of = lambda **options: (lambda block: block.apply(block.init(KEY), image))(image_block((4, 4, 4), 4, 2, **options))
    np.testing.assert_allclose(of(scale=0.5), 0.5 * of(), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(of(scale=0.0), 0.0)
    np.testing.assert_allclose(of(is_residual=True), image + of(), rtol=1e-5, atol=1e-6)
    linear, half = (pixelwise((4, 4, 4), 3, scale=scale) for scale in (1.0, 0.5))
    np.testing.assert_allclose(
        half.apply(half.init(KEY), image), 0.5 * linear.apply(linear.init(KEY), image), rtol=1e-5
    )


def test_a_readout_begins_at_its_bias():
    bias = jax.random.normal(KEY, (4, 4, 3, 2))
    readout = pixel_readout(5, (4, 4, 3, 2), bias)
    np.testing.assert_array_equal(readout.apply(readout.init(KEY), jnp.zeros((4, 4, 5))), bias)


def test_a_residual_block_keeps_its_channels():
    with pytest.raises(ValueError, match="expected a residual block to keep its 4 channels; got 6; leave out is_resid"):
        image_block((4, 4, 4), 6, 2, is_residual=True)
