"""Data that come after training, checked to be of the kind that a model was trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vae_jax.data.columns import Column, as_numbers, encode
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import ArrayLike, Examples, examples_of, is_together
from vae_jax.data.foreign import array_of, is_frame, is_whole_array
from vae_jax.data.values import Values
from vae_jax.messages import UsageError

_BYTES = 255


def like(dataset: Dataset, data: Any, name: str = "the data") -> Any:
    """Data as a data set holds its examples, once they are known to be of the same kind.

    Args:
        dataset: The data set that a model was trained on.
        data: A `Split`, or examples of the data set; an array or a tensor, (num, *example_shape), in units of the
            stored values; for a table also a frame, or a dict of arrays, with its columns in any order; for examples
            of several parts a dict of them.
        name: Name of the data in errors.

    Returns:
        `Examples`: an array, or whatever is indexed like one; of several parts, `Together`.

    Raises:
        UsageError: If the data have another shape, or values that the data set cannot hold: levels that are no whole
            numbers or beyond the largest, numbers that are not finite, a category that it does not know.
    """
    if isinstance(data, Split):
        return like(dataset, data.examples, name)
    stored = dataset.train.examples
    if is_together(stored):
        return _parts(dataset, data, name)
    if dataset.columns and (is_frame(data) or isinstance(data, Mapping)):
        return np.stack([_column(column, data, name) for column in dataset.columns], axis=1)
    if hasattr(data, "map") and is_together(data):
        raise UsageError(f"expected an array of examples as {name}; got parts; give the part that is modelled")
    return _array(dataset, stored, data, name)


def _parts(dataset: Dataset, data: Any, name: str) -> Examples:
    parts = data if isinstance(data, Mapping) else getattr(data, "parts", None)
    known = dataset.example_shape
    if not isinstance(parts, Mapping) or not isinstance(known, Mapping) or set(parts) != set(known):
        got = ", ".join(map(str, parts)) if isinstance(parts, Mapping) else f"a {type(data).__name__}"
        raise UsageError(f"expected a dict of the parts of an example as {name} ({', '.join(known)}); got {got}")
    return examples_of({part: like(dataset.part(part), parts[part], f"part '{part}' of {name}") for part in known})


def _array(dataset: Dataset, stored: ArrayLike, data: Any, name: str) -> ArrayLike:
    # What is read on demand, as the examples of a data set may be, was checked by it.
    is_at_hand = not hasattr(data, "shape") or is_whole_array(data) or is_frame(data) or hasattr(data, "nnz")
    try:
        array = array_of(data, name) if is_at_hand else data
    except ValueError as error:
        raise UsageError(f"{error}") from None
    expected = ("num", *dataset.example_shape)
    if tuple(array.shape[1:]) != tuple(dataset.example_shape) or not array.shape:
        hint = "; give a batch of one, x[None]" if tuple(array.shape) == tuple(dataset.example_shape) else ""
        if math.prod(array.shape[1:]) == math.prod(dataset.example_shape) and array.shape:
            hint = f"; reshape them by x.reshape(-1, {', '.join(map(str, dataset.example_shape))})"
        shape = ", ".join(map(str, expected))
        raise UsageError(f"expected examples of shape ({shape}) as {name}; got {tuple(array.shape)}{hint}")
    if len(array) == 0:
        raise UsageError(f"expected at least one example in {name}; got none")
    return _checked(dataset, array, np.dtype(stored.dtype), name) if is_at_hand and array is not stored else array


def _checked(dataset: Dataset, array: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """The values in the type of the stored ones.

    Raises:
        UsageError: If one of them is not a value that can be stored.
    """
    if array.dtype.kind not in "biuf":
        raise UsageError(f"expected numbers in {name}; got {array.dtype}")
    values, is_whole, high = Values(dataset.max_value, dtype, ""), dtype.kind in "iu", dataset.max_value
    expected = "whole numbers" if is_whole else "numbers"
    if not math.isnan(high):
        expected += f" from 0 to {high:g}"
    if (wrong := values.first_beyond(array)) is not None:
        row, value = wrong
        raise UsageError(
            f"expected {expected} in {name}, as {dataset.name} holds; item {row} has {value}; give the values as they "
            "are stored, before any scaling"
        )
    if array.dtype.kind == "f" and is_whole and high >= _BYTES and 0 < array.max() <= 1:
        raise UsageError(
            f"expected {expected} in {name}, as {dataset.name} holds; got floats up to {array.max():g}, which look "
            f"scaled; multiply them by {high:g}, or give integers if they are meant"
        )
    return values.converted(array)


def _column(column: Column, data: Any, name: str) -> np.ndarray:
    """One column of a frame or a dict, as the numbers of a model's table."""
    try:
        values = np.asarray(data[column.name])
    except KeyError:
        raise UsageError(f"expected a column '{column.name}' in {name}; got {', '.join(map(str, data))}") from None
    if column.values:
        unknown = [value for value in values.tolist() if value not in column.values]
        if unknown:
            known = ", ".join(map(str, column.values))
            raise UsageError(f"expected values of column '{column.name}' ({known}) in {name}; got {unknown[0]!r}")
    elif column.kind == "date":
        values = values.astype(f"datetime64[{column.unit}]")
    elif values.dtype.kind not in "biuf" or not np.isfinite(as_numbers(values)).all():
        raise UsageError(f"expected finite numbers in column '{column.name}' of {name}; got others")
    return encode(column, values)
