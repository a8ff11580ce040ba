"""Blocks of deep networks for images, which keep height and width."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float

from vae_jax.messages import check_sizes
from vae_jax.networks.neighbours import Neighbours, uniform_init
from vae_jax.networks.network import Network, linen

SMALLEST_WITH_NEIGHBOURS = 3
"""The side of an image from which on a block looks at neighbours; in a smaller one they would mostly be border."""


class ImageBlock(nn.Module):
    """Four convolutions, each behind a GELU, through few channels: kernels 1, 3, 3 and 1, or 1 alone in tiny images.

    Attributes:
        size: The channels of the result.
        middle_size: The channels in between.
        scale: The factor on the last weights as they start; 0 for a block that begins as nothing but a bias of zero.
        is_residual: Whether the input, of `size` channels, is added to the result.

    Source: Child 2021, arXiv:2011.10650, figure 3 and the authors' code.
    """

    size: int
    middle_size: int
    scale: float = 1.0
    is_residual: bool = False

    @nn.compact
    def __call__(self, image: Float[Array, "height width channel"]) -> Float[Array, "height width size"]:
        at_pixel = lambda size, scale=1.0: nn.Dense(size, kernel_init=_scaled(scale))
        has_neighbours = min(image.shape[:2]) >= SMALLEST_WITH_NEIGHBOURS
        x = at_pixel(self.middle_size)(jax.nn.gelu(image))
        for _ in range(2):
            layer = Neighbours(self.middle_size) if has_neighbours else at_pixel(self.middle_size)
            x = layer(jax.nn.gelu(x))
        x = at_pixel(self.size, self.scale)(jax.nn.gelu(x))
        return image + x if self.is_residual else x


class PixelReadout(nn.Module):
    """A gain and a bias for each channel, then a linear map at each pixel: from (H, W, channels) to `output_shape`.

    Attributes:
        output_shape: (H, W), (H, W, C), or (H, W, C, k) for a likelihood with k numbers for each pixel and channel.
        output_bias: The initial bias of the output, a number or an array that broadcasts to `output_shape`.
    """

    output_shape: tuple[int, ...]
    output_bias: ArrayLike = 0.0

    # By identity, not by field: an array in `output_bias` has no hash, and `jax.jit(module.apply)` asks for one.
    __hash__ = object.__hash__

    @nn.compact
    def __call__(self, image: Float[Array, "height width channel"]) -> Float[Array, "*output"]:
        size = image.shape[-1]
        gain = self.param("gain", nn.initializers.ones_init(), (size,))
        x = nn.Dense(math.prod(self.output_shape[2:]), kernel_init=uniform_init, use_bias=False)(
            gain * image + self.param("bias", nn.initializers.zeros_init(), (size,))
        )
        bias = jnp.broadcast_to(jnp.asarray(self.output_bias, x.dtype), self.output_shape)
        return x.reshape(self.output_shape) + self.param("output_bias", lambda key: bias)


def image_block(
    input_shape: Sequence[int], size: int, middle_size: int, *, scale: float = 1.0, is_residual: bool = False
) -> Network:
    """An `ImageBlock` as a `Network`.

    Args:
        input_shape: (H, W, C) of one image.
        size: The channels of the result.
        middle_size: The channels in between.
        scale: The factor on the last weights as they start.
        is_residual: Whether the input is added to the result.

    Raises:
        ValueError: If a size is below 1, or a residual block changes the number of channels.

    Example:
        >>> network = image_block((7, 7, 8), 16, 4)
        >>> network.apply(network.init(jax.random.key(0)), jnp.zeros((7, 7, 8))).shape
        (7, 7, 16)
    """
    check_sizes(input_shape=input_shape, size=size, middle_size=middle_size)
    if is_residual and input_shape[-1] != size:
        raise ValueError(
            f"expected a residual block to keep its {input_shape[-1]} channels; got {size}; leave out is_residual"
        )
    return linen(ImageBlock(size, middle_size, scale, is_residual), tuple(input_shape))


def pixelwise(input_shape: Sequence[int], size: int, *, scale: float = 1.0) -> Network:
    """A linear map at each pixel, a convolution with kernel 1, as a `Network`.

    Args:
        input_shape: (H, W, C) of one image.
        size: The channels of the result.
        scale: The factor on the weights as they start.

    Raises:
        ValueError: If a size is below 1.
    """
    check_sizes(input_shape=input_shape, size=size)
    return linen(nn.Dense(size, kernel_init=_scaled(scale)), tuple(input_shape))


def pixel_readout(input_size: int, output_shape: Sequence[int], output_bias: ArrayLike = 0.0) -> Network:
    """A `PixelReadout` as a `Network`.

    Args:
        input_size: The channels of the input.
        output_shape: As in `PixelReadout`; `likelihood.output_shape(shape of an image)`.
        output_bias: `likelihood.output_bias(mean of the data)`.

    Raises:
        ValueError: If a size is below 1.
    """
    check_sizes(input_size=input_size, output_shape=output_shape)
    module = PixelReadout(tuple(output_shape), output_bias)
    return linen(module, (*output_shape[:2], input_size))


def _scaled(scale: float) -> nn.initializers.Initializer:
    return lambda key, shape, dtype=jnp.float32: scale * uniform_init(key, shape, dtype)
