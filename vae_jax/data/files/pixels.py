"""One image file: its header, and its pixels as numbers of 8 or 16 bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vae_jax.messages import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112
_TURNED_BY_A_QUARTER = (5, 6, 7, 8)
_GREY = ("1", "L", "LA", "La")
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N")
_THIRTY_TWO_BITS = ("I", "F")
_LARGEST_WORD = 65_535
_BYTES_TO_WORDS = 257
# Others hold several without being meant so: the JPEG files of many cameras have a preview in them.
_OF_SEVERAL = ("GIF", "TIFF", "WEBP", "PNG")


class Header(NamedTuple):
    """The size and colour of an image, known without decoding it."""

    height: int
    """Height in pixels, as the image is displayed."""
    width: int
    """Width in pixels, as the image is displayed."""
    is_grey: bool
    """Whether the image is stored without colour."""
    is_deep: bool = False
    """Whether a pixel has 16 bits, of which none is to be lost."""


def read_header(path: Path) -> Header:
    """Read the header of an image file.

    Raises:
        ValueError: If the file is not an image, has 32 bits a pixel, or several pages or frames; the message names it.
    """
    with _opened(path) as image:
        mode, (width, height), orientation = image.mode, image.size, _orientation(image)
        has_several = image.format in _OF_SEVERAL and getattr(image, "is_animated", False)
    if has_several:
        raise UsageError(
            f"expected one image in each file; {path} has several pages or frames; save each as a file of its own, or "
            "the first alone"
        )
    if mode in _THIRTY_TWO_BITS:
        raise ValueError(
            f"expected images of 8 or 16 bits; {path} has 32; save it with 8, or give the images as an .npy file"
        )
    if orientation in _TURNED_BY_A_QUARTER:
        width, height = height, width
    is_deep = mode in _SIXTEEN_BITS
    return Header(height, width, is_grey=mode in _GREY or is_deep, is_deep=is_deep)


def decode(path: Path, *, is_grey: bool, image_size: int | None, is_deep: bool = False) -> np.ndarray:
    """The pixels of an image file, turned as its EXIF orientation says, on white where it is transparent.

    Args:
        path: The file.
        is_grey: Whether to decode to grey levels (ITU-R 601 luma of a coloured image), or to red, green and blue.
        image_size: Height and width to which the largest square in the middle is resized; None keeps its size.
        is_deep: Whether grey levels are returned in 16 bits, 65,535 for white; an image of 8 bits is spread over them.

    Returns:
        uint8 of (height, width), or (height, width, 3); uint16 of (height, width) if `is_deep`.

    Raises:
        ValueError: If the file cannot be decoded; the message names it.
    """
    from PIL import Image, ImageOps

    with _opened(path) as opened:
        opened.load()
        image = ImageOps.exif_transpose(opened) if _orientation(opened) != 1 else opened
        if image.mode in _SIXTEEN_BITS:
            return _deep(np.asarray(image), image_size)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if is_grey else "RGB")
        if image_size is not None:
            image = _middle_square(image).resize((image_size, image_size), Image.Resampling.BICUBIC)
        pixels = np.array(image)
        return pixels.astype(np.uint16) * _BYTES_TO_WORDS if is_deep else pixels


def _deep(pixels: np.ndarray, image_size: int | None) -> np.ndarray:
    """Grey levels of 16 bits, which Pillow resizes as floats only."""
    from PIL import Image

    if image_size is None:
        return pixels.astype(np.uint16)
    square = _middle_square(Image.fromarray(pixels.astype(np.float32)))
    resized = np.asarray(square.resize((image_size, image_size), Image.Resampling.BICUBIC))
    return np.clip(np.rint(resized), 0, _LARGEST_WORD).astype(np.uint16)


def _middle_square(image: Image) -> Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _orientation(image: Image) -> int:
    # Pillow turns TIFF files by itself; and `getexif` would decode a PNG file that has no such data at its beginning.
    return image.getexif().get(_ORIENTATION, 1) if "exif" in image.info else 1


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            yield image
    except UnidentifiedImageError:
        raise UsageError(f"expected an image; {path} is none that Pillow knows; replace or remove it") from None
    except Exception as error:  # a damaged file makes decoders raise errors of any kind
        strerror = error.strerror if isinstance(error, OSError) else None
        reason = strerror or str(error).partition("\n")[0] or type(error).__name__
        raise UsageError(
            f"expected an image that can be read; {path} cannot ({reason}); replace or remove it"
        ) from None
