"""Convolutional networks for images: an encoder that halves, a decoder that doubles."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float

from vae_jax.messages import check_sizes
from vae_jax.networks import activations
from vae_jax.networks.network import Network, linen
from vae_jax.networks.strided import downsample, upsample

# Each layer keeps the variance of a rectified signal (He et al. 2015, arXiv:1502.01852). By Glorot's rule, which
# averages fan-in and fan-out, the signal of a few latents in thousands of features would be too faint to learn from.
_kernel_init = nn.initializers.he_normal()
_downsample_init = nn.initializers.variance_scaling(2.0, "fan_in", "truncated_normal", in_axis=3, out_axis=0)
# A pixel of the larger image meets a quarter of the 4x4 kernel.
_upsample_init = nn.initializers.variance_scaling(8.0, "fan_in", "truncated_normal", in_axis=0, out_axis=3)


class ConvEncoder(nn.Module):
    """Convolutions that halve an image, then dense layers: from (H, W) or (H, W, C) to `output_size` numbers.

    Every convolution has kernel 4 and stride 2. The parameters depend on the size of the image.

    Attributes:
        output_size: The size of the result; twice the latent size for a Gaussian posterior.
        channels: The channels of each convolution, the first one first.
        activation: A name that `activations.activation` knows.
        hidden_size: The width of a dense layer between the convolutions and the output; None for no such layer.

    Raises:
        ValueError: If the activation is not known (on construction), or if the image's height or width is not a
            multiple of 2**len(channels) (by `init` and `apply`, before anything is computed).

    Example:
        >>> import jax
        >>> encoder = ConvEncoder(40, channels=(4, 8))
        >>> output, params = jax.jit(encoder.init_with_output)(jax.random.key(0), jnp.zeros((28, 28)))
        >>> output.shape
        (40,)
    """

    output_size: int
    channels: tuple[int, ...] = (32, 64)
    activation: str = "relu"
    hidden_size: int | None = None

    def __post_init__(self) -> None:
        """Check the names and numbers that are known before there is an image."""
        activations.activation(self.activation)
        super().__post_init__()

    @nn.compact
    def __call__(self, image: Float[Array, "height width *channel"]) -> Float[Array, " output"]:
        coarsest_size(image.shape[:2], self.channels)
        activation = activations.activation(self.activation)
        x = image.reshape(*image.shape[:2], -1)
        for features in self.channels:
            x = activation(Downsample(features)(x))
        return _dense(x.reshape(-1), self.hidden_size, self.output_size, activation)


class ConvDecoder(nn.Module):
    """Dense layers, then transposed convolutions that double: from a latent vector to an image of `output_shape`.

    Every transposed convolution has kernel 4 and stride 2; the last one goes to the channels of the output.

    Attributes:
        output_shape: (H, W), (H, W, C), or (H, W, C, k) for a likelihood with k numbers for each pixel and channel.
        channels: The channels of the input of each transposed convolution, the coarsest image first.
        activation: A name that `activations.activation` knows.
        hidden_size: The width of a dense layer between the latent vector and the coarsest image; None for no such
            layer.
        output_bias: The initial bias of the output, a number or an array that broadcasts to `output_shape`, such
            as the logit of the data's mean; None for zero. It is one parameter for each number of the output, and the
            only bias of the last layer.

    Raises:
        ValueError: On construction, if the activation is not known, if `output_shape` has none of the three forms, or
            if its height or width is not a multiple of 2**len(channels).

    Example:
        >>> import jax
        >>> decoder = ConvDecoder((28, 28, 1, 2), channels=(8, 4))
        >>> output, params = jax.jit(decoder.init_with_output)(jax.random.key(0), jnp.zeros(20))
        >>> output.shape
        (28, 28, 1, 2)
    """

    output_shape: tuple[int, ...]
    channels: tuple[int, ...] = (64, 32)
    activation: str = "relu"
    hidden_size: int | None = None
    output_bias: ArrayLike | None = None

    # By identity, not by field: an array in `output_bias` has no hash, and `jax.jit(decoder.apply)` asks for one.
    __hash__ = object.__hash__

    def __post_init__(self) -> None:
        """Check everything: all that a decoder depends on is known here."""
        activations.activation(self.activation)
        if not 2 <= len(self.output_shape) <= 4:
            raise ValueError(
                f"expected an output_shape (H, W), (H, W, C) or (H, W, C, k); got {tuple(self.output_shape)}; "
                "give the shape of one image, without a batch axis"
            )
        coarsest_size(self.output_shape[:2], self.channels)
        super().__post_init__()

    @nn.compact
    def __call__(self, latent: Float[Array, " latent"]) -> Float[Array, "*output"]:
        activation = activations.activation(self.activation)
        coarsest = (*coarsest_size(self.output_shape[:2], self.channels), self.channels[0])
        x = _dense(latent, self.hidden_size, math.prod(coarsest), activation).reshape(coarsest)
        for features in self.channels[1:]:
            x = Upsample(features)(activation(x))
        x = Upsample(math.prod(self.output_shape[2:]), use_bias=False)(activation(x))
        bias = jnp.broadcast_to(0.0 if self.output_bias is None else self.output_bias, self.output_shape)
        # Not in `Upsample`: one bias for each channel could not start at the mean image.
        return x.reshape(self.output_shape) + self.param("output_bias", lambda key: bias.astype(x.dtype))


def conv_encoder(
    input_shape: Sequence[int],
    output_size: int,
    channels: Sequence[int] = (32, 64),
    activation: str = "relu",
    hidden_size: int | None = None,
) -> Network:
    """A `ConvEncoder` as a `Network`.

    Args:
        input_shape: (H, W) or (H, W, C) of one image.
        output_size: As in `ConvEncoder`, like the rest.
        channels: The channels of each convolution.
        activation: The name of the activation.
        hidden_size: The width of a dense layer, or None.

    Raises:
        ValueError: If height or width is not a multiple of 2**len(channels), or a size is below 1.
    """
    check_sizes(input_shape=input_shape, output_size=output_size)
    coarsest_size(tuple(input_shape[:2]), tuple(channels))
    return linen(ConvEncoder(output_size, tuple(channels), activation, hidden_size), tuple(input_shape))


def conv_decoder(
    latent_size: int,
    output_shape: Sequence[int],
    channels: Sequence[int] = (64, 32),
    activation: str = "relu",
    hidden_size: int | None = None,
    output_bias: ArrayLike | None = None,
) -> Network:
    """A `ConvDecoder` as a `Network`.

    Args:
        latent_size: The size of its input.
        output_shape: As in `ConvDecoder`, like the rest; `likelihood.output_shape(shape of an image)`.
        channels: The channels of the input of each transposed convolution.
        activation: The name of the activation.
        hidden_size: The width of a dense layer, or None.
        output_bias: `likelihood.output_bias(mean of the data)`, or None for zero.

    Raises:
        ValueError: If the shape is not that of an image, height or width is not a multiple of 2**len(channels), or a
            size is below 1.
    """
    check_sizes(latent_size=latent_size)
    decoder = ConvDecoder(tuple(output_shape), tuple(channels), activation, hidden_size, output_bias)
    return linen(decoder, (latent_size,))


class Downsample(nn.Module):
    """A convolution that halves an image, with a bias for each channel.

    Attributes:
        features: The channels of the result.
    """

    features: int

    @nn.compact
    def __call__(self, image: Float[Array, "height width fine"]) -> Float[Array, "height/2 width/2 coarse"]:
        kernel = self.param("kernel", _downsample_init, (self.features, 4, 4, image.shape[-1]))
        return downsample(image, kernel) + self.param("bias", nn.initializers.zeros_init(), (self.features,))


class Upsample(nn.Module):
    """A transposed convolution that doubles an image.

    Attributes:
        features: The channels of the result.
        use_bias: Whether each channel has a bias.
    """

    features: int
    use_bias: bool = True

    @nn.compact
    def __call__(self, image: Float[Array, "height width coarse"]) -> Float[Array, "2*height 2*width fine"]:
        kernel = self.param("kernel", _upsample_init, (image.shape[-1], 4, 4, self.features))
        output = upsample(image, kernel)
        return output + self.param("bias", nn.initializers.zeros_init(), (self.features,)) if self.use_bias else output


def _dense(x: Array, hidden_size: int | None, output_size: int, activation: Callable[[Array], Array]) -> Array:
    """A dense layer, after a hidden one if there is a size for it; called inside a compact module."""
    if hidden_size is not None:
        x = activation(nn.Dense(hidden_size, kernel_init=_kernel_init)(x))
    return nn.Dense(output_size, kernel_init=_kernel_init)(x)


def coarsest_size(size: tuple[int, ...], channels: tuple[int, ...]) -> tuple[int, int]:
    """Height and width after one halving for each of the channels.

    Raises:
        ValueError: If there are no channels, or height or width cannot be halved so often or are not there.
    """
    if len(size) != 2:
        raise ValueError(
            f"expected images, of shape (H, W) or (H, W, C), for convolutions; got shape {size}; use an MLP for others"
        )
    if not channels:
        raise ValueError("expected the channels of one convolution or more; got (); use an MLP for none")
    check_sizes(channels=channels)
    factor = 2 ** len(channels)
    height, width = size
    if height % factor or width % factor:
        raise ValueError(
            f"expected an image whose height and width are multiples of {factor}, for {len(channels)} convolutions of "
            f"stride 2; got {height} x {width}; pad or resize the images, or give fewer channels than {tuple(channels)}"
        )
    return height // factor, width // factor
