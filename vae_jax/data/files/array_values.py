"""Arrays of files as they are kept: their shape, and what they have to hold."""

from __future__ import annotations

import numpy as np


def kept_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which an array is kept: images lose the axis of a single channel."""
    return shape[:-1] if len(shape) == 4 and shape[-1] == 1 else shape


def check_numbers(name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse an array that cannot hold examples, before it is read.

    Raises:
        ValueError: If it is not an array of numbers with an axis of examples, or is empty.
    """
    if dtype.kind not in "biuf":
        what = "Python objects" if dtype.hasobject else str(dtype)
        raise ValueError(f"expected numbers as examples; {name} holds {what}; save it as uint8 or float32")
    if len(shape) < 2:
        raise ValueError(
            f"expected examples of shape (num, ...), at least two axes; {name} has {shape}; reshape it, or choose "
            "another array with --data.examples"
        )
    if 0 in shape:
        raise ValueError(f"expected examples; {name} of shape {shape} holds none")
