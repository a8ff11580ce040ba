"""CIFAR-10, from its binary version."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vae_jax.prepare.recipe import Example, Original, Recipe, Source

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def _batches(path: Path, split: str, batches: list[str]) -> Iterator[Example]:
    """The examples of some batches; a record is a label and three planes of 32x32 bytes."""
    num = 0
    for batch in batches:
        with tarfile.open(path) as archive:
            member = archive.extractfile(f"cifar-10-batches-bin/{batch}.bin")
            records = np.frombuffer(member.read() if member else b"", np.uint8).reshape(-1, 1 + 3 * 32 * 32)
        for record in records:
            image = record[1:].reshape(3, 32, 32).transpose(1, 2, 0)
            yield {"image": image, "label": int(record[0]), "id": f"{split}_{num:05d}"}
            num += 1


def _read(archive: Path) -> Mapping[str, Iterator[Example]]:
    return {
        "train": _batches(archive, "train", [f"data_batch_{number}" for number in range(1, 6)]),
        "test": _batches(archive, "test", ["test_batch"]),
    }


CIFAR10 = Recipe(
    name="cifar10",
    version="3.0.2",
    description="CIFAR-10: 60,000 photographs of 32x32 in colour, in ten classes.",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    features=lambda features: {
        "id": features.Text(),
        "image": features.Image(shape=(32, 32, 3)),
        "label": features.ClassLabel(names=CLASSES),
    },
    sources=(
        Source(
            (
                Original(
                    "cifar-10-binary.tar.gz",
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    170_052_171,
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ),
            ),
            _read,
            {"train": 50_000, "test": 10_000},
        ),
    ),
)
