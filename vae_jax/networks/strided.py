"""Convolutions that halve and double an image, as matrix products.

Both are the same two steps, in either direction: `patches` lays out the 4x4 neighbourhood of every second pixel, a
linear map without arithmetic, and one matrix product with the kernel goes between a patch (16 * fine numbers) and a
coarse pixel. An upsampling *is* the transpose of the downsampling with the same kernel, so the kernel has one shape for
both, `(coarse, 4, 4, fine)`: the channels of the smaller image first, those of the larger one last.

Why not `lax.conv_general_dilated`? On CPU XLA runs the gradients of a strided convolution far from the speed of a
matrix product, and inside `lax.scan` its convolutions run on one thread (jax issue 12868). Under `vmap` over *models* a
convolution becomes a grouped one, while this stays a batched matrix product.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def downsample(
    image: Float[Array, "height width fine"], kernel: Float[Array, "coarse 4 4 fine"]
) -> Float[Array, "height/2 width/2 coarse"]:
    """A convolution with kernel 4, stride 2 and a border of one zero: half the height, half the width.

    out[i, j, o] = Σ_{a, b, c} kernel[o, a, b, c] · image[2i + a − 1, 2j + b − 1, c], zero outside of the image.

    Equal to `lax.conv_general_dilated` with strides (2, 2), padding "SAME" and dimension numbers ("NHWC", "OHWI",
    "NHWC"), hence to PyTorch's `Conv2d(fine, coarse, 4, stride=2, padding=1)`.

    Args:
        image: Height and width are even.
        kernel: Numbers for each output channel, row, column and input channel.

    Example:
        >>> downsample(jnp.ones((6, 4, 3)), jnp.ones((5, 4, 4, 3))).shape
        (3, 2, 5)
    """
    # The kernel comes second and with its long axis last, so that its gradient needs no transpose.
    return lax.dot_general(patches(image), _matrix(kernel), (((2,), (1,)), ((), ())))


def upsample(
    image: Float[Array, "height width coarse"], kernel: Float[Array, "coarse 4 4 fine"]
) -> Float[Array, "2*height 2*width fine"]:
    """A transposed convolution with kernel 4 and stride 2: twice the height, twice the width.

    out[2i + a − 1, 2j + b − 1, c] gathers Σ_o kernel[o, a, b, c] · image[i, j, o] over all i, j, a, b.

    The transpose of `downsample(_, kernel)`: ⟨upsample(y), x⟩ = ⟨y, downsample(x)⟩. Equal to `lax.conv_transpose` with
    strides (2, 2), padding "SAME", transpose_kernel=True and the kernel's axes as (row, column, fine, coarse), hence to
    PyTorch's `ConvTranspose2d(coarse, fine, 4, stride=2, padding=1)`.

    Args:
        image: Height and width are arbitrary.
        kernel: Numbers for each input channel, row, column and output channel.

    Example:
        >>> upsample(jnp.ones((3, 2, 5)), jnp.ones((5, 4, 4, 3))).shape
        (6, 4, 3)
    """
    height, width, _ = image.shape
    fine = jax.ShapeDtypeStruct((2 * height, 2 * width, kernel.shape[-1]), image.dtype)
    (output,) = jax.linear_transpose(patches, fine)(image @ _matrix(kernel))
    return output


def patches(image: Float[Array, "height width fine"]) -> Float[Array, "height/2 width/2 16*fine"]:
    """The 4x4 neighbourhoods of every second row and column, each flattened in the order (row, column, channel).

    Neighbourhood (i, j) holds the rows 2i − 1 ... 2i + 2 and the columns 2j − 1 ... 2j + 2, zero outside of the image.

    Example:
        >>> patches(jnp.ones((6, 4, 3))).shape
        (3, 2, 48)
    """
    height, width, channels = image.shape
    rows, columns = height // 2 + 1, width // 2 + 1
    # Kernel 4 is twice the stride, so a neighbourhood is 2x2 whole cells of 2x2 pixels: contiguous pieces, no stride.
    # Sixteen strided slices give the same array; their transpose costs four times as much.
    cells = jnp.pad(image, ((1, 1), (1, 1), (0, 0))).reshape(rows, 2, columns, 2 * channels).transpose(0, 2, 1, 3)
    strips = jnp.concatenate([cells[:, :-1], cells[:, 1:]], axis=3)  # two rows, four columns
    squares = jnp.concatenate([strips[:-1], strips[1:]], axis=2)  # four rows, four columns
    return squares.reshape(rows - 1, columns - 1, 16 * channels)


def _matrix(kernel: Float[Array, "coarse 4 4 fine"]) -> Float[Array, "coarse 16*fine"]:
    return kernel.reshape(kernel.shape[0], -1)
