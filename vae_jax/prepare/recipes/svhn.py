"""SVHN, cropped to the digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vae_jax.prepare.arrays import arrays_of
from vae_jax.prepare.recipe import Example, Original, Recipe, Source

_URL = "http://ufldl.stanford.edu/housenumbers/"
_TRAIN = Original(
    "train_32x32.mat",
    f"{_URL}train_32x32.mat",
    182_040_794,
    "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
)
_TEST = Original(
    "test_32x32.mat",
    f"{_URL}test_32x32.mat",
    64_275_384,
    "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
)
_EXTRA = Original(
    "extra_32x32.mat",
    f"{_URL}extra_32x32.mat",
    1_329_278_602,
    "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3",
)
_SPLITS = {"train": 73_257, "test": 26_032, "extra": 531_130}


def _mat(path: Path, split: str) -> Iterator[Example]:
    images, labels = arrays_of(path, "X", "y")
    for place, label in enumerate(labels.reshape(-1)):
        # The last axis counts examples; the digit 0 is stored as 10.
        image = np.ascontiguousarray(images[..., place])
        yield {"image": image, "label": int(label) % 10, "id": f"{split}_{place:06d}"}


def _read(*paths: Path) -> Mapping[str, Iterator[Example]]:
    return {split: _mat(path, split) for path, split in zip(paths, _SPLITS, strict=False)}


SVHN_CROPPED = Recipe(
    name="svhn_cropped",
    version="3.1.0",
    description="Street View House Numbers, photographs of 32x32 in colour cropped to a digit.",
    homepage="http://ufldl.stanford.edu/housenumbers/",
    features=lambda features: {
        "id": features.Text(),
        "image": features.Image(shape=(32, 32, 3)),
        "label": features.ClassLabel(num_classes=10),
    },
    sources=(
        Source((_TRAIN, _TEST, _EXTRA), _read, _SPLITS),
        # A user who puts two files there by hand does without the third, which is most of the bytes.
        Source((_TRAIN, _TEST), _read, {name: _SPLITS[name] for name in ("train", "test")}),
    ),
)
