"""Arrays, tensors, frames and series of other packages, told by what they can do: none of these need be installed."""

from __future__ import annotations

import datetime
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


def columns_of_frame(frame: Any, name: str) -> dict[str, np.ndarray]:
    """The columns of a frame: name -> values of (num,), numbers, booleans, words or dates.

    Raises:
        ValueError: If there are none, two have the same name, or dates have a time zone, which an array has not.
    """
    names = tuple(map(str, frame.columns))
    if twice := [column for column, num in Counter(names).items() if num > 1]:
        raise ValueError(f"expected columns of different names in {name}; there are two '{twice[0]}'; rename one")
    if not names:
        raise ValueError(f"expected columns in {name}; there are none")
    return {column: _values(frame[of], f"column '{column}' of {name}") for column, of in zip(names, frame, strict=True)}


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


def _values(column: Any, name: str) -> np.ndarray:
    array = np.asarray(column)
    if array.dtype != object:
        return array
    found = array.tolist()
    if all(isinstance(value, datetime.date) for value in found):
        if any(getattr(value, "tzinfo", None) for value in found):
            raise ValueError(f"expected dates without a time zone in {name}; call .dt.tz_localize(None)")
        has_time = any(isinstance(value, datetime.datetime) for value in found)
        return np.array(found, "datetime64[us]" if has_time else "datetime64[D]")
    # Numbers that may be missing are objects, though none may be.
    return np.array(found) if all(isinstance(value, bool | int | float) for value in found) else array
