"""Networks between an image and a grid of vectors, which keep the place of everything."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float

from vae_jax.messages import check_sizes
from vae_jax.networks.activations import activation as activation_of
from vae_jax.networks.convolution import Downsample, Upsample, coarsest_size
from vae_jax.networks.network import Network, linen


class GridEncoder(nn.Module):
    """Convolutions that halve an image, then a linear map at each place: from (H, W) or (H, W, C) to (h, w, size).

    Attributes:
        size: The size of the vector at each place.
        channels: The channels of each convolution, of kernel 4 and stride 2.
        activation: A name that `activations.activation` knows.
    """

    size: int
    channels: tuple[int, ...]
    activation: str = "relu"

    @nn.compact
    def __call__(self, image: Float[Array, "height width *channel"]) -> Float[Array, "row column size"]:
        x = image.reshape(*image.shape[:2], -1)
        for features in self.channels:
            x = activation_of(self.activation)(Downsample(features)(x))
        return nn.Dense(self.size)(x)


class GridDecoder(nn.Module):
    """A linear map at each place, then transposed convolutions that double: from (h, w, size) to `output_shape`.

    Attributes:
        output_shape: (H, W), (H, W, C), or (H, W, C, k) for a likelihood with k numbers for each pixel and channel.
        channels: The channels of the input of each transposed convolution, of kernel 4 and stride 2.
        activation: A name that `activations.activation` knows.
        output_bias: The initial bias of the output, a number or an array that broadcasts to `output_shape`.
    """

    output_shape: tuple[int, ...]
    channels: tuple[int, ...]
    activation: str = "relu"
    output_bias: ArrayLike = 0.0

    # By identity, not by field: an array in `output_bias` has no hash, and `jax.jit(module.apply)` asks for one.
    __hash__ = object.__hash__

    @nn.compact
    def __call__(self, grid: Float[Array, "row column size"]) -> Float[Array, "*output"]:
        activation = activation_of(self.activation)
        x = nn.Dense(self.channels[0])(grid)
        for features in self.channels[1:]:
            x = Upsample(features)(activation(x))
        x = Upsample(math.prod(self.output_shape[2:]), use_bias=False)(activation(x))
        bias = jnp.broadcast_to(jnp.asarray(self.output_bias, x.dtype), self.output_shape)
        return x.reshape(self.output_shape) + self.param("output_bias", lambda key: bias)


def grid_encoder(
    input_shape: Sequence[int], size: int, channels: Sequence[int] = (32, 64), activation: str = "relu"
) -> Network:
    """A `GridEncoder` as a `Network`.

    Args:
        input_shape: (H, W) or (H, W, C) of one image.
        size: The size of the vector at each place.
        channels: The channels of each convolution.
        activation: The name of the activation.

    Raises:
        ValueError: If height or width is not a multiple of 2**len(channels), or a size is below 1.

    Example:
        >>> import jax
        >>> network = grid_encoder((28, 28), 16, (4, 8))
        >>> network.apply(network.init(jax.random.key(0)), jnp.zeros((28, 28))).shape
        (7, 7, 16)
    """
    check_sizes(input_shape=input_shape, size=size)
    coarsest_size(tuple(input_shape[:2]), tuple(channels))
    activation_of(activation)
    return linen(GridEncoder(size, tuple(channels), activation), tuple(input_shape))


def grid_decoder(
    size: int,
    output_shape: Sequence[int],
    channels: Sequence[int] = (64, 32),
    activation: str = "relu",
    output_bias: ArrayLike = 0.0,
) -> Network:
    """A `GridDecoder` as a `Network`.

    Args:
        size: The size of the vector at each place.
        output_shape: As in `GridDecoder`; `likelihood.output_shape(shape of an image)`.
        channels: The channels of the input of each transposed convolution.
        activation: The name of the activation.
        output_bias: `likelihood.output_bias(mean of the data)`.

    Raises:
        ValueError: If height or width is not a multiple of 2**len(channels), or a size is below 1.
    """
    check_sizes(size=size, output_shape=output_shape)
    places = coarsest_size(tuple(output_shape[:2]), tuple(channels))
    activation_of(activation)
    return linen(GridDecoder(tuple(output_shape), tuple(channels), activation, output_bias), (*places, size))
