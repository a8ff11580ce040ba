"""Which data a run is made of: a part of an experiment's `Config`, so that every field is an option `--data.FIELD`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DataConfig:
    """The data: what, where, which splits, and how they are fed to the device."""

    name: str = "mnist_5k"
    """An embedded set, a prepared TFDS set ('vae-jax data list' names both), or the path of a folder of images or of
    a .npy, .npz, .csv or .parquet file."""
    dir: str = ""
    """Where TFDS sets are prepared. Default: $TFDS_DATA_DIR, or else ~/tensorflow_datasets."""
    train: str = ""
    """The training split, in TFDS's syntax: train[:50000], train[:80%], train+extra. Default: all that is for it."""
    validation: str = ""
    """Likewise. Default: the data's own, or else the last tenth of the training split."""
    test: str = ""
    """Likewise. Default: the data's own, or else the tenth before."""
    examples: str = ""
    """Which feature, array or columns (a,b,c) are the examples, where that is not plain."""
    labels: str = ""
    """Which feature, array or column holds the labels, where that is not plain. They are for pictures alone."""
    parts: str = ""
    """What else belongs to an example, which is then a dict of `x` and these: features, arrays or columns (a,b,c),
    or `label` for the labels; `condition=label` makes it a part of another name."""
    image_size: int | None = None
    """Images of a folder are resized to this height and width, cropped in the middle to a square first."""
    colour: Literal["stored", "rgb", "grey"] = "stored"
    """Images of a folder are read in colour or in grey, or as they are stored."""
    feed: Literal["auto", "memory", "stream"] = "auto"
    """Keep the examples on the device, or stream batches from where they are stored. Default: by their size."""
    num_workers: int = 0
    """Processes that read a stream. 0 is for threads, which is enough unless decoding takes long."""
