"""The data of a run: a part of an experiment's `Config`, so that every field is an option `--data.FIELD`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DataConfig:
    """The data of a run: their name, folder and splits, and how they are fed to the device."""

    name: str = "mnist_5k"
    """An embedded set, a prepared TFDS set ('vae-jax data list' names both), or the path of a folder of images or of
    a .npy, .npz, .csv or .parquet file."""
    dir: str = ""
    """Folder of prepared TFDS sets. Default: $TFDS_DATA_DIR, or else ~/tensorflow_datasets."""
    train: str = ""
    """The training split, in TFDS's syntax: train[:50000], train[:80%], train+extra. Default: the data's own, less what
    validation and test take from it."""
    validation: str = ""
    """The validation split, in that syntax. Default: the data's own, or else a tenth of the training split, drawn by a
    fixed key; where rows are added, others are drawn."""
    test: str = ""
    """The test split, in that syntax. Default: the data's own, or else another tenth, drawn alike."""
    examples: str = ""
    """Feature, array or columns (a,b,c) that hold the examples, where this is not clear."""
    labels: str = ""
    """Feature, array or column that holds the labels, where this is not clear. Labels are for pictures only."""
    parts: str = ""
    """Further parts of an example, which is then a dict of `x` and these: features, arrays or columns (a,b,c), or
    `label` for the labels; `condition=label` gives a part another name."""
    kinds: str = ""
    """Kinds of columns of a table, zip=category,visits=count, where they differ from what is found: real, whole, count,
    yes/no, category or date."""
    separator: str = ","
    """Character between two values of a .csv file, or tab."""
    decimal: Literal[".", ","] = "."
    """Character before the fraction of a number in a .csv file."""
    image_size: int | None = None
    """Height and width to which images of a folder are resized, after a crop to the square in the middle."""
    colour: Literal["stored", "rgb", "grey"] = "stored"
    """Read the images of a folder in colour or in grey, or as they are stored."""
    max_value: float | None = None
    """The stored value that becomes 1 where a model takes numbers in [0, 1]. Default: by the values that there are."""
    feed: Literal["auto", "memory", "stream"] = "auto"
    """Keep the examples on the device, or stream batches from where they are stored. Default: by their size."""
    num_workers: int = 0
    """Number of processes that read a stream. 0 means threads, which are enough unless decoding takes long."""
