"""Numbers as they are kept, whole numbers in 8 bits and others in 32 bits, and the largest value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from vae_jax.data.examples import ArrayLike

# The number of values that are read at a time.
_CHUNK = 2**22


def kept_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in which an array is kept: images lose the axis of a single channel."""
    return shape[:-1] if len(shape) == 4 and shape[-1] == 1 else shape


def kept_type(dtype: np.dtype) -> np.dtype:
    """The type in which an array is kept: uint8 for whole numbers, float32 for others."""
    return np.dtype(np.uint8 if dtype.kind in "biu" else np.float32)


def keep(array: np.ndarray) -> np.ndarray:
    """An array in the shape and type in which it is kept; the same array where it already has them."""
    # Values outside of the type's range were refused before, or become infinite and are refused then.
    with np.errstate(over="ignore"):
        return array.reshape(kept_shape(array.shape)).astype(kept_type(array.dtype), copy=False)


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


def largest_value(stored: Mapping[str, ArrayLike]) -> float:
    """The value that scaling maps to 1: 1 for values that are binary, in [0, 1] or real; 255 for grey levels.

    Values are read, a chunk at a time, until the result is known.

    Args:
        stored: Name in errors of the examples of a split -> these examples, not yet converted.

    Raises:
        ValueError: If whole numbers lie outside of [0, 255], others are not finite, or images of others lie neither in
            [0, 1] nor in [0, 255]; the message names the first row.
    """
    return max(_largest_value(name, examples) for name, examples in stored.items())


def _largest_value(name: str, examples: ArrayLike) -> float:
    if examples.dtype == np.bool_:
        return 1
    if examples.dtype.kind in "iu":
        largest = 1
        for start, chunk in _chunks(examples):
            if examples.dtype != np.uint8:
                _refuse_first(
                    (chunk < 0) | (chunk > 255), chunk, start, f"expected whole numbers in [0, 255] in {name}"
                )
            largest = 255 if largest == 255 or chunk.max() > 1 else 1
            if largest == 255 and examples.dtype == np.uint8:
                break
        return largest
    low, high = math.inf, -math.inf
    for start, chunk in _chunks(examples):
        with np.errstate(over="ignore"):
            is_finite = np.isfinite(chunk.astype(np.float32, copy=False))
        _refuse_first(~is_finite, chunk, start, f"expected finite numbers in {name}")
        low, high = min(low, chunk.min()), max(high, chunk.max())
    is_image = len(examples.shape) > 2
    if (low >= 0 and high <= 1) or not is_image:
        return 1
    if low < 0 or high > 255:
        raise ValueError(
            f"expected images in [0, 1] or in [0, 255]; {name} lies in [{low:g}, {high:g}]; scale it first"
        )
    return 255


def _chunks(examples: ArrayLike) -> Iterator[tuple[int, np.ndarray]]:
    size = max(1, _CHUNK // math.prod(examples.shape[1:]))
    for start in range(0, len(examples), size):
        yield start, np.asarray(examples[start : start + size])


def _refuse_first(is_wrong: np.ndarray, chunk: np.ndarray, start: int, expected: str) -> None:
    wrong = is_wrong.reshape(len(chunk), -1)
    rows = wrong.any(axis=1)
    if rows.any():
        row = int(rows.argmax())
        value = chunk.reshape(len(chunk), -1)[row][wrong[row]][0]
        raise ValueError(f"{expected}; row {start + row} has {value}")
