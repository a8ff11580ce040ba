"""Examples and labels of a prepared split, read when they are asked for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np

from vae_jax.data.named_parts import part_type
from vae_jax.messages import UsageError


class Stored:
    """Features of a prepared split, read when rows are asked for.

    Args:
        path: The folder of the prepared version.
        split: Name of the split, as stored.
        features: Names of the features; images of other features are not decoded.
        shape: (num, *example_shape).
        dtype: Type of a value.
    """

    def __init__(
        self, path: Path, split: str, features: tuple[str, ...], shape: tuple[int, ...], dtype: np.dtype
    ) -> None:
        self.path = path
        self.split = split
        self.features = features
        self.shape = shape
        self.dtype = dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> dict[str, Any]:
        # Open files stay with the process that opened them.
        return {name: value for name, value in vars(self).items() if name != "_source"}

    @cached_property
    def _source(self) -> Any:
        import tensorflow_datasets as tfds

        builder = open_prepared(self.path)
        skip = tfds.decode.SkipDecoding()
        images = [name for name, feature in builder.info.features.items() if isinstance(feature, tfds.features.Image)]
        decoders = {name: skip for name in images if name not in self.features}
        return builder.as_data_source(split=self.split, decoders=decoders or None)

    def records(self, rows: slice | np.ndarray) -> list[Mapping[str, Any]]:
        """All features of some rows.

        Raises:
            ValueError: If the file is damaged there.
        """
        numbers = list(range(len(self))[rows]) if isinstance(rows, slice) else np.asarray(rows).tolist()
        try:
            return self._source.__getitems__(numbers)
        except (RuntimeError, OSError) as error:
            raise UsageError(
                f"expected {len(self)} records in split '{self.split}' of {self.path}; its file is damaged "
                f"({reason_of(error)}); prepare the data set anew"
            ) from None


class StoredImages(Stored):
    """Images of a prepared split: (num, height, width), or (num, height, width, 3) in colour."""

    def __init__(self, path: Path, split: str, feature: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        super().__init__(path, split, (feature,), shape, dtype)

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        (feature,) = self.features
        images = [without_channel(record[feature]) for record in self.records(rows)]
        other = next((image.shape for image in images if image.shape != self.shape[1:]), None)
        if other is not None:
            raise UsageError(mixed_sizes(self.path, {self.shape[1:], other}))
        return np.stack(images) if images else np.empty((0, *self.shape[1:]), self.dtype)


class StoredLabels(Stored):
    """Labels of a prepared split: (num,), or (num, factors) of several features."""

    def __init__(self, path: Path, split: str, features: tuple[str, ...], num: int) -> None:
        shape = (num,) if len(features) == 1 else (num, len(features))
        super().__init__(path, split, features, shape, np.dtype(np.int32))

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        records = self.records(rows)
        labels = np.array([[record[name] for name in self.features] for record in records], self.dtype)
        return labels.reshape(len(records), *self.shape[1:])


class StoredFeature(Stored):
    """Numbers of a prepared split beside its images: (num, *feature_shape), whole numbers in 32 bits except uint8.

    Args:
        path: The folder of the prepared version.
        split: Name of the split, as stored.
        name: Name of the feature; a feature within another by its path, with / between.
        shape: (num, *feature_shape).
        dtype: Type of a value, as stored.
    """

    def __init__(self, path: Path, split: str, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        super().__init__(path, split, (name.partition("/")[0],), shape, part_type(dtype))
        self.steps = name.split("/")

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        records = self.records(rows)
        values = np.empty((len(records), *self.shape[1:]), self.dtype)
        for place, record in enumerate(records):
            value = without_channel(np.asarray(reduce(getitem, self.steps, record)))
            if value.shape != self.shape[1:]:
                raise UsageError(mixed_sizes(self.path, {self.shape[1:], value.shape}))
            values[place] = value
        return values


def open_prepared(path: Path) -> Any:
    """TFDS's builder of the data set that is prepared in a folder."""
    # TFDS advises to install OpenCV whenever it decodes with Pillow.
    logging.getLogger("absl").addFilter(_is_not_about_opencv)
    import tensorflow_datasets as tfds

    return tfds.builder_from_directory(str(path))


def _is_not_about_opencv(record: logging.LogRecord) -> bool:
    return "OpenCV" not in record.getMessage()


def reason_of(error: Exception) -> str:
    """The first part of a long error message of TFDS, or of a library below it."""
    return str(error).partition(";")[0].partition("\n")[0]


def without_channel(image: np.ndarray) -> np.ndarray:
    """A grey image as (height, width), a colour image as it is."""
    return image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image


def mixed_sizes(path: Path, shapes: set[tuple[int, ...]]) -> str:
    """The error message for images that differ in size."""
    sizes = " and ".join("x".join(map(str, shape)) for shape in sorted(shapes)[:2])
    return f"expected images of one size in {path}; got {sizes}; prepare them at one size"
