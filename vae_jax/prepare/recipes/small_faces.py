"""Frey's and Olivetti's faces: small sets, whose pixels are checked because no checksum of the files was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vae_jax.prepare.arrays import arrays_of
from vae_jax.prepare.recipe import Example, Original, Recipe, Source

_NUM_FREY = 1_965
_NUM_OLIVETTI = 400
_FREY_PIXELS = "2438ba4f0d2a6bd8bac43de756141eaa33c8d248dd613d464bdb1210d9b7af78"
_OLIVETTI_PIXELS = "a3f75007cc103363b61a63e06bec8ea4846407682ef6e7c9ae1eb9c1bd0e8a00"


def _read_frey_mat(path: Path) -> Mapping[str, Iterator[Example]]:
    (columns,) = arrays_of(path, "ff")
    # A column is an image, row by row.
    return {"train": _frey(columns.T.reshape(-1, 28, 20))}


def _read_olivetti_mat(path: Path) -> Mapping[str, Iterator[Example]]:
    (columns,) = arrays_of(path, "faces")
    # A column is an image, column by column.
    return {"train": _olivetti(columns.T.reshape(-1, 64, 64).transpose(0, 2, 1))}


def _read_frey_npz(path: Path) -> Mapping[str, Iterator[Example]]:
    return {"train": _frey(*arrays_of(path, "images"))}


def _read_olivetti_npz(path: Path) -> Mapping[str, Iterator[Example]]:
    return {"train": _olivetti(*arrays_of(path, "images"))}


def _frey(images: np.ndarray) -> Iterator[Example]:
    for image in images:
        yield {"image": np.ascontiguousarray(image, np.uint8)}


def _olivetti(images: np.ndarray) -> Iterator[Example]:
    for place, image in enumerate(images):
        # Ten in a row are of one person.
        yield {"image": np.ascontiguousarray(image, np.uint8), "label": place // 10}


FREY_FACES = Recipe(
    name="frey_faces",
    version="1.0.0",
    description="Frey's face: 1,965 frames of a video of 20x28 in grey, in its order: neighbours are alike.",
    homepage="https://cs.nyu.edu/~roweis/data.html",
    features=lambda features: {"image": features.Image(shape=(28, 20, 1))},
    sources=(
        Source(
            (Original("frey_rawface.mat", "https://cs.nyu.edu/~roweis/data/frey_rawface.mat"),),
            _read_frey_mat,
            {"train": _NUM_FREY},
            pixels_sha256=_FREY_PIXELS,
        ),
        Source((Original("frey_faces.npz"),), _read_frey_npz, {"train": _NUM_FREY}, pixels_sha256=_FREY_PIXELS),
    ),
)

OLIVETTI_FACES = Recipe(
    name="olivetti_faces",
    version="1.0.0",
    description="The Olivetti faces: 40 persons, ten photographs of 64x64 in grey each; the label is the person.",
    homepage="https://cs.nyu.edu/~roweis/data.html",
    features=lambda features: {
        "image": features.Image(shape=(64, 64, 1)),
        "label": features.ClassLabel(num_classes=40),
    },
    sources=(
        Source(
            (
                Original(
                    "olivettifaces.mat",
                    "https://ndownloader.figshare.com/files/5976027",
                    sha256="b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
                ),
            ),
            _read_olivetti_mat,
            {"train": _NUM_OLIVETTI},
            pixels_sha256=_OLIVETTI_PIXELS,
        ),
        Source(
            (Original("olivetti_faces.npz"),),
            _read_olivetti_npz,
            {"train": _NUM_OLIVETTI},
            pixels_sha256=_OLIVETTI_PIXELS,
        ),
    ),
)
