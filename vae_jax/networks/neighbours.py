"""The convolution with kernel 3 and stride 1, as a matrix product.

As in `strided`, and for the reasons given there: the neighbourhoods of all pixels are laid out, and one matrix product
goes between a neighbourhood and a pixel.
"""

from __future__ import annotations

import jax.numpy as jnp
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float

# That of PyTorch's layers, with which the deep residual networks for images were designed: U(±1/√fan_in).
uniform_init = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


def convolve(
    image: Float[Array, "height width channel"], kernel: Float[Array, "9*channel feature"]
) -> Float[Array, "height width feature"]:
    """A convolution with kernel 3, stride 1 and a border of zeros: the size stays.

    out[i, j, f] = Σ_{a, b, c} kernel[a, b, c, f] · image[i + a − 1, j + b − 1, c], zero outside of the image; the
    kernel's first three axes are one.

    Args:
        image: Height and width are arbitrary.
        kernel: Numbers for each row, column and input channel, and for each output channel.

    Example:
        >>> convolve(jnp.ones((4, 4, 2)), jnp.ones((9 * 2, 5)))[:2, :2, 0].tolist()
        [[8.0, 12.0], [12.0, 18.0]]
    """
    return lax.dot_general(neighbourhoods(image), kernel, (((2,), (0,)), ((), ())))


def neighbourhoods(image: Float[Array, "height width channel"]) -> Float[Array, "height width 9*channel"]:
    """The 3x3 neighbourhood of every pixel, flattened in the order (row, column, channel); zero outside of the image.

    Example:
        >>> neighbourhoods(jnp.ones((6, 4, 3))).shape
        (6, 4, 27)
    """
    height, width, _ = image.shape
    padded = jnp.pad(image, ((1, 1), (1, 1), (0, 0)))
    shifted = [padded[row : row + height, column : column + width] for row in range(3) for column in range(3)]
    return jnp.concatenate(shifted, axis=2)


class Neighbours(nn.Module):
    """A convolution with kernel 3 and stride 1, with a bias for each channel.

    Attributes:
        features: The channels of the result.
    """

    features: int

    @nn.compact
    def __call__(self, image: Float[Array, "height width channel"]) -> Float[Array, "height width feature"]:
        kernel = self.param("kernel", uniform_init, (9 * image.shape[-1], self.features))
        return convolve(image, kernel) + self.param("bias", nn.initializers.zeros_init(), (self.features,))
