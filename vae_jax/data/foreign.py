"""Arrays, tensors, frames and series of other packages, told by what they can do: none of these need be installed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import numpy as np


def is_frame(value: Any) -> bool:
    """Whether a value is a frame, of pandas or the like: named columns, each of a type of its own."""
    return hasattr(value, "columns") and hasattr(value, "dtypes") and hasattr(value, "to_numpy")


def is_whole_array(value: Any) -> bool:
    """Whether a value holds all its numbers in memory: an array of NumPy or JAX, or a tensor of PyTorch."""
    return isinstance(value, np.ndarray | jax.Array) or hasattr(value, "detach")


def array_of(value: Any, name: str) -> np.ndarray:
    """The NumPy array of a value.

    Raises:
        ValueError: If it has a mask, which an array has not, or is sparse; the message says what to call.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"expected an array without a mask in {name}; got one with {np.ma.count_masked(value)} masked values; call "
            ".filled(VALUE), or leave their rows out"
        )
    if hasattr(value, "nnz") and hasattr(value, "toarray"):
        raise ValueError(f"expected a dense array in {name}; got a {type(value).__name__}; call .toarray()")
    return value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)


def numbers_of_frame(frame: Any, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The columns of a frame as an array (num, columns), and their names.

    Raises:
        ValueError: If two columns have the same name, or one holds anything but finite numbers; the message names it.
    """
    names = tuple(map(str, frame.columns))
    if twice := [column for column, num in Counter(names).items() if num > 1]:
        raise ValueError(f"expected columns of different names in {name}; there are two '{twice[0]}'; rename one")
    if not names:
        raise ValueError(f"expected columns in {name}; there are none")
    columns = [_numbers(frame[column], f"column '{column}' of {name}") for column in frame.columns]
    return np.stack(columns, axis=1), names


def labels_of(labels: Any, name: str) -> np.ndarray:
    """Labels, whole numbers or words, as an array of numbers or of strings.

    Raises:
        ValueError: If one of them is neither.
    """
    array = array_of(labels, name)
    if array.dtype.kind not in "OT":
        return array
    for row, label in enumerate(array.ravel()):
        if not isinstance(label, str):
            raise ValueError(f"expected a whole number or a word for each example as {name}; item {row} has {label!r}")
    return array.astype(str)


def _numbers(column: Any, name: str) -> np.ndarray:
    array = np.asarray(column)
    if array.dtype.kind not in "biuf":
        row = next((row for row, value in enumerate(array) if not isinstance(value, int | float | np.number)), 0)
        raise ValueError(
            f"expected numbers in {name}; item {row} has {array[row]!r}; leave it out, fill it in, or give it "
            "as labels="
        )
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise ValueError(
            f"expected finite numbers in {name}; item {wrong[0]} has {array[wrong[0]]}; fill it in or leave the row out"
        )
    return array
