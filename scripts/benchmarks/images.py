"""MNIST where it is at hand, and random bytes of the same shape where it is not."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8


class Images(NamedTuple):
    """Training and test images, 28x28 bytes, and what they are."""

    train: UInt8[np.ndarray, "60000 28 28"]
    test: UInt8[np.ndarray, "10000 28 28"]
    name: str


def images(data: Path) -> Images:
    """MNIST from its IDX files in `data/raw/mnist`, or random bytes, a fifth of them not zero, as in MNIST."""
    train, test = (data / "raw" / "mnist" / f"{name}-images-idx3-ubyte.gz" for name in ("train", "t10k"))
    if train.is_file() and test.is_file():
        return Images(_idx(train), _idx(test), "MNIST")
    generator = np.random.default_rng(0)
    grey = [generator.integers(0, 256, (num, 28, 28), np.uint8) for num in (60_000, 10_000)]
    random_train, random_test = (array * (generator.random(array.shape) < 0.2) for array in grey)
    return Images(random_train, random_test, "random bytes")


def binarized_mnist(data: Path) -> dict[str, UInt8[np.ndarray, "num 28 28"]] | None:
    """Larochelle's binarized MNIST, zeros and ones, with the splits train, valid and test; None where it is not."""
    path = data / "npz" / "binarized_mnist.npz"
    return dict(np.load(path)) if path.is_file() else None


def _idx(path: Path) -> np.ndarray:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)
