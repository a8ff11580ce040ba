"""OMNIGLOT at 28x28, ink white: Burda's file, used for published likelihoods, or Lake's drawings, resized by us.

The two differ in pixels and in splits, and so have configs of their own.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vae_jax.prepare.arrays import arrays_of
from vae_jax.prepare.recipe import Example, Original, Recipe, Source

NUM_ALPHABETS = 50
_NUM_BACKGROUND = 30
_LAKE = "https://github.com/brendenlake/omniglot/raw/master/python/"


def _read_burda(chardata: Path) -> Mapping[str, Iterator[Example]]:
    images, alphabets, test_images, test_alphabets = arrays_of(chardata, "data", "target", "testdata", "testtarget")
    return {"train": _burda(images, alphabets), "test": _burda(test_images, test_alphabets)}


def _burda(images: np.ndarray, alphabets: np.ndarray) -> Iterator[Example]:
    # A column is an image in MATLAB's order, column by column, in [0, 1]; its alphabet is one-hot.
    pixels = np.rint(255 * images.T).astype(np.uint8).reshape(-1, 28, 28).transpose(0, 2, 1)
    for image, alphabet in zip(pixels, alphabets.argmax(axis=0), strict=True):
        yield {"image": image, "label": int(alphabet)}


def _read_lake(background: Path, evaluation: Path) -> Mapping[str, Iterator[Example]]:
    return {"train": _lake(background, 0), "test": _lake(evaluation, _NUM_BACKGROUND)}


def _lake(path: Path, first_alphabet: int) -> Iterator[Example]:
    """Examples, `SET/ALPHABET/CHARACTER/DRAWING.png`, in that order; black ink on white, 105x105, one bit a pixel."""
    from PIL import Image

    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        alphabets = sorted({name.split("/")[-3] for name in names})
        for name in names:
            drawing = Image.open(io.BytesIO(archive.read(name))).convert("L")
            # Each pixel is the mean of those that it covers.
            small = drawing.resize((28, 28), Image.Resampling.BOX)
            yield {"image": 255 - np.asarray(small), "label": first_alphabet + alphabets.index(name.split("/")[-3])}


OMNIGLOT_28 = Recipe(
    name="omniglot_28",
    version="1.0.0",
    description="OMNIGLOT, handwritten characters of 50 alphabets at 28x28, ink = 255; the label is the alphabet.",
    homepage="https://github.com/brendenlake/omniglot",
    features=lambda features: {
        "image": features.Image(shape=(28, 28, 1)),
        "label": features.ClassLabel(num_classes=NUM_ALPHABETS),
    },
    sources=(
        Source(
            (Original("chardata.mat"),),
            _read_burda,
            {"train": 24_345, "test": 8_070},
            config="burda",
        ),
        Source(
            (
                Original(
                    "images_background.zip",
                    f"{_LAKE}images_background.zip",
                    9_464_212,
                    "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
                ),
                Original(
                    "images_evaluation.zip",
                    f"{_LAKE}images_evaluation.zip",
                    6_462_886,
                    "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
                ),
            ),
            _read_lake,
            {"train": 19_280, "test": 13_180},
            config="lake",
        ),
    ),
)
