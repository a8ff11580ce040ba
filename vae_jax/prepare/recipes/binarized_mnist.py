"""MNIST as zeros and ones, in the binarisation for which likelihoods are published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vae_jax.prepare.recipe import Example, Original, Recipe, Source

_URL = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"


def _amat(path: Path) -> Iterator[Example]:
    # Every value is a digit with a space or the line's end behind it.
    values = np.frombuffer(path.read_bytes(), np.uint8)[::2] - ord("0")
    if values.size % 784 or values.max(initial=0) > 1:
        raise ValueError(f"expected lines of 784 zeros and ones, one space between; {path} has something else")
    for image in values.reshape(-1, 28, 28):
        yield {"image": image}


def _read(train: Path, validation: Path, test: Path) -> Mapping[str, Iterator[Example]]:
    return {"train": _amat(train), "validation": _amat(validation), "test": _amat(test)}


BINARIZED_MNIST = Recipe(
    name="binarized_mnist",
    version="1.0.0",
    description="MNIST, each pixel drawn once as zero or one (Salakhutdinov & Murray 2008; Larochelle's files).",
    homepage="http://www.dmi.usherb.ca/~larocheh/mlpython/_modules/datasets/binarized_mnist.html",
    features=lambda features: {"image": features.Image(shape=(28, 28, 1))},
    sources=(
        Source(
            (
                Original(
                    "binarized_mnist_train.amat",
                    f"{_URL}binarized_mnist_train.amat",
                    78_400_000,
                    "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d",
                ),
                Original(
                    "binarized_mnist_valid.amat",
                    f"{_URL}binarized_mnist_valid.amat",
                    15_680_000,
                    "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2",
                ),
                Original(
                    "binarized_mnist_test.amat",
                    f"{_URL}binarized_mnist_test.amat",
                    15_680_000,
                    "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c",
                ),
            ),
            _read,
            {"train": 50_000, "validation": 10_000, "test": 10_000},
        ),
    ),
)
