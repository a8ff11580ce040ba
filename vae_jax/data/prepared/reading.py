"""Data sets that TFDS has prepared as array_record, read without TensorFlow."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Examples
from vae_jax.data.prepared.examples import (
    Stored,
    StoredFeature,
    StoredImages,
    StoredLabels,
    mixed_sizes,
    open_prepared,
    reason_of,
    without_channel,
)
from vae_jax.data.prepared.features import feature_at, image_feature, label_features
from vae_jax.data.prepared.sets import PreparedSet, data_directory, find_prepared, prepare_command
from vae_jax.data.values import values_in

NUM_LOOKED_AT = 100
"""Number of first examples that are read to learn what the description of a data set leaves open."""


def read_prepared(config: DataConfig) -> Dataset:
    """A prepared data set, with all its splits under their stored names.

    Args:
        config: Name of the set and folder of prepared sets; features of examples and labels, where not clear; the
            value that becomes 1, where it is not the largest of the type.

    Raises:
        ValueError: If the set is not prepared, or damaged, or it is not clear which feature holds the images.
    """
    directory = data_directory(config.dir)
    found = find_prepared(config.name, directory)
    anew = f"make it anew with: {prepare_command(found.name, directory)} --overwrite"
    try:
        builder = open_prepared(found.path)
    except (OSError, ValueError, KeyError, TypeError) as error:  # a damaged features.json
        raise ValueError(f"expected a prepared data set in {found.path}; it cannot be read ({error}); {anew}") from None
    _check_files(builder, anew)
    # TFDS keeps features in no particular order.
    features = dict(sorted(builder.info.features.items()))
    image = image_feature(features, config.examples, found.name)
    labels = label_features(features, config.labels, found.name)
    shape = _image_shape(found, image, features[image].shape)
    dtype = np.dtype(features[image].np_dtype)
    splits = {
        name: Split(
            StoredImages(found.path, name, image, (num, *shape), dtype),
            StoredLabels(found.path, name, labels, num) if labels else None,
        )
        for name, num in found.splits.items()
    }
    first = next(iter(splits.values())).examples
    is_binary = dtype.kind == "u" and len(first) > 0 and first[:NUM_LOOKED_AT].max() <= 1
    max_value, assumed = (1 if is_binary else np.iinfo(dtype).max), ""
    if config.max_value is not None:
        images = {f"split '{name}' of {found.name}": split.examples for name, split in splits.items()}
        max_value, _, assumed = values = values_in(images, config.max_value)
        splits = {name: Split(values.keep(split.examples), split.labels) for name, split in splits.items()}
    is_factors = len(labels) > 1
    about = " ".join((builder.info.description or found.name).split()).removesuffix(".")
    return Dataset(
        name=config.name,
        description=f"{about} (TFDS, {found.name}:{found.version})",
        splits=splits,
        max_value=max_value,
        label_names=() if is_factors or not labels else tuple(getattr(features[labels[0]], "names", None) or ()),
        factor_names=labels if is_factors else (),
        values=assumed,
    )


def read_feature(config: DataConfig, name: str) -> dict[str, Examples]:
    """A feature of a prepared data set as a part of the examples, (num, ...) for each split.

    Args:
        config: Config that names the data set.
        name: Name of the feature; a feature within another by its path, as in `attributes/Smiling`.

    Raises:
        ValueError: If there is no such feature, or it holds anything but numbers of one shape.
    """
    found = find_prepared(config.name, data_directory(config.dir))
    feature = feature_at(open_prepared(found.path).info.features, name, found.name)
    shape, dtype = tuple(feature.shape), np.dtype(feature.np_dtype)
    if None in shape:
        shape = _image_shape(found, name, shape)
    return {
        split: StoredFeature(found.path, split, name, (num, *without_channel(np.empty(shape, np.bool_)).shape), dtype)
        for split, num in found.splits.items()
    }


def _check_files(builder: Any, anew: str) -> None:
    """Check the number of records in the files: TFDS takes it from the description, and files may hold fewer."""
    from array_record.python.array_record_module import ArrayRecordReader

    for split in builder.info.splits.values():
        for file, expected in zip(split.filepaths, split.shard_lengths, strict=True):
            if os.path.exists(file) and not os.access(file, os.R_OK):
                raise ValueError(f"expected a file that may be read; {file} may not; change its permissions")
            try:
                reader = ArrayRecordReader(str(file))
                num = reader.num_records()
                reader.close()
            except (RuntimeError, OSError) as error:
                raise ValueError(
                    f"expected {expected} records in {file}; it is truncated or damaged ({reason_of(error)}); {anew}"
                ) from None
            if num != expected:
                raise ValueError(f"expected {expected} records in {file}; got {num}: it is truncated; {anew}")


def _image_shape(found: PreparedSet, image: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    if None not in shape:
        return without_channel(np.empty(shape, np.bool_)).shape
    split, num = next(iter(found.splits.items()))
    looked_at = Stored(found.path, split, (image,), (min(num, NUM_LOOKED_AT),), np.dtype(np.uint8))
    shapes = {without_channel(record[image]).shape for record in looked_at.records(slice(None))}
    if len(shapes) > 1:
        raise ValueError(mixed_sizes(found.path, shapes))
    return shapes.pop()
