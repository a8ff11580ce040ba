"""dSprites: every combination of five factors, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vae_jax.prepare.recipe import Example, Original, Recipe, Source

FACTORS = {"shape": 3, "scale": 6, "orientation": 40, "x_position": 32, "y_position": 32}
"""Number of values of each factor. The first one of the file, the colour, has one value, and is left out as in TFDS."""


def _read(path: Path) -> Mapping[str, Iterator[Example]]:
    return {"train": _examples(path)}


def _examples(path: Path) -> Iterator[Example]:
    import h5py  # pyright: ignore[reportMissingImports]  # an extra

    with h5py.File(path, "r") as file:
        # Reading the three arrays row by row would be a hundred times slower.
        images, classes, values = (np.asarray(file[key]) for key in ("imgs", "latents/classes", "latents/values"))
    for image, number, value in zip(images, classes, values, strict=True):
        yield {
            "image": image,
            **{f"label_{name}": int(number[1 + place]) for place, name in enumerate(FACTORS)},
            **{f"value_{name}": np.float32(value[1 + place]) for place, name in enumerate(FACTORS)},
        }


DSPRITES = Recipe(
    name="dsprites",
    version="2.0.0",
    description="dSprites: 737,280 pictures of 64x64 zeros and ones, every combination of five factors.",
    homepage="https://github.com/deepmind/dsprites-dataset",
    features=lambda features: {
        "image": features.Image(shape=(64, 64, 1)),
        **{f"label_{name}": features.ClassLabel(num_classes=num) for name, num in FACTORS.items()},
        **{f"value_{name}": features.Tensor(shape=(), dtype=np.float32) for name in FACTORS},
    },
    sources=(
        Source(
            (
                Original(
                    "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.hdf5",
                    "https://github.com/deepmind/dsprites-dataset/blob/master/"
                    "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.hdf5?raw=true",
                    28_024_106,
                    "729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
                ),
            ),
            _read,
            {"train": 3 * 6 * 40 * 32 * 32},
        ),
    ),
    package="h5py",
)
