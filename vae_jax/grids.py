"""Many small images in one, as plain arrays and PNG files: byte for byte the same for the same input."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vae_jax.files import write_bytes


def image_grid(images: ArrayLike, *, num_columns: int, padding: int = 2) -> NDArray[np.uint8]:
    """Images side by side, row after row.

    The gaps are transparent, so a grid fits a dark page as well as a light one.

    Args:
        images: (num, height, width) or (num, height, width, channels) with 1 or 3 channels, values in [0, 1]; values
            outside are clipped, and NaN is black.
        num_columns: Images in a row; the last row may be shorter.
        padding: The gap between two images, in pixels; there is no gap around the grid.

    Returns:
        (rows · height + gaps, columns · width + gaps, 4), red, green, blue and opacity.

    Raises:
        ValueError: If these are not images.

    Example:
        >>> image_grid(np.zeros((6, 28, 28)), num_columns=3).shape
        (58, 88, 4)
    """
    return _lay_out(to_rgba(images), num_columns, gap_right=padding, gap_down=padding)


def pair_grid(upper: ArrayLike, lower: ArrayLike, *, num_columns: int, padding: int = 2) -> NDArray[np.uint8]:
    """Pairs of images, the second right below the first, and a wider gap between two rows of pairs.

    Args:
        upper: (num, height, width[, channels]) in [0, 1], the originals.
        lower: Their reconstructions, of the same shape.
        num_columns: Pairs in a row.
        padding: The gap between two columns, in pixels; between two rows of pairs it is four times as wide.

    Returns:
        The grid, (height, width, 4), like that of `image_grid`.

    Raises:
        ValueError: If the two do not match, or are not images.
    """
    upper, lower = to_rgba(upper), to_rgba(lower)
    if upper.shape != lower.shape:
        raise ValueError(
            f"expected as many images below as above, of one shape; got {upper.shape[:3]} above and "
            f"{lower.shape[:3]} below; pass each original with its own reconstruction"
        )
    return _lay_out(np.concatenate([upper, lower], axis=1), num_columns, gap_right=padding, gap_down=4 * padding)


def enlarge(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Enlarge every pixel to a square of `factor` × `factor`: the image stays crisp if a page scales it further."""
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def to_rgba(images: ArrayLike) -> NDArray[np.uint8]:
    """Convert values in [0, 1] to opaque 8-bit colours, (num, height, width, 4): rounded, clipped, NaN black."""
    values = np.asarray(images, np.float32)
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or values.shape[-1] not in (1, 3) or 0 in values.shape:
        raise ValueError(
            "expected images of shape (num, height, width) or (num, height, width, 1 or 3); "
            f"got {np.shape(images)}; reshape each example to an image first"
        )
    colours = np.broadcast_to(values, (*values.shape[:3], 3))
    levels = np.rint(np.clip(np.nan_to_num(colours, nan=0.0), 0, 1) * 255).astype(np.uint8)
    return np.concatenate([levels, np.full_like(levels[..., :1], 255)], axis=-1)


def png_bytes(image: NDArray[np.uint8]) -> bytes:
    """An 8-bit image as a PNG file, without a date or the name of a program in it.

    Args:
        image: (height, width), (height, width, 3) or (height, width, 4).

    Returns:
        The file, without channels that carry no information: opacity of an opaque image, or colour of a grey one.
    """
    if image.ndim == 3:
        red, green, blue, *opacity = np.moveaxis(image, -1, 0)
        opacity = [channel for channel in opacity if channel.min() < 255]
        is_grey = np.array_equal(red, green) and np.array_equal(red, blue)
        image = np.stack([red, *opacity] if is_grey else [red, green, blue, *opacity], axis=-1)
    file = io.BytesIO()
    Image.fromarray(np.squeeze(image, -1) if image.shape[2:] == (1,) else image).save(file, "PNG")
    return file.getvalue()


def save_png(path: str | Path, image: NDArray[np.uint8]) -> None:
    """Write an 8-bit image, (height, width[, 3 or 4]), as a PNG file that is never seen half-written."""
    write_bytes(Path(path), png_bytes(image))


def _lay_out(tiles: NDArray[np.uint8], num_columns: int, *, gap_right: int, gap_down: int) -> NDArray[np.uint8]:
    num, height, width, _ = tiles.shape
    num_columns = min(num_columns, num)
    num_rows = -(-num // num_columns)
    step_down, step_right = height + gap_down, width + gap_right
    grid = np.zeros((num_rows * step_down - gap_down, num_columns * step_right - gap_right, 4), np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // num_columns) * step_down, (index % num_columns) * step_right
        grid[top : top + height, left : left + width] = tile
    return grid
