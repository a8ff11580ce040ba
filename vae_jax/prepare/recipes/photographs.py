"""LFW and CelebA: photographs of faces, cropped in the middle and made 64x64.

TFDS's sets of these names hold the whole photographs; ours have the config `crop_64`, so that nobody takes one for the
other.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vae_jax.prepare.recipe import Example, Original, Recipe, Source

SIZE = 64
LFW_CROP = 128
"""Side of the square in the middle of LFW's 250x250, which the face fills; halving it is exact."""
CELEB_A_CROP = 148
"""Side of the crop of CelebA's 178x218 that most VAEs are trained on."""
_PARTITION = ("train", "validation", "test")


def cropped(content: bytes, crop: int) -> np.ndarray:
    """The middle of a photograph, a square of `crop` pixels, as (64, 64, 3)."""
    from PIL import Image

    photograph = Image.open(io.BytesIO(content)).convert("RGB")
    left, top = (photograph.width - crop) // 2, (photograph.height - crop) // 2
    middle = photograph.crop((left, top, left + crop, top + crop))
    return np.asarray(middle.resize((SIZE, SIZE), Image.Resampling.BOX))


def _read_lfw(archive: Path) -> Mapping[str, Iterator[Example]]:
    return {"train": _lfw(archive)}


def _lfw(path: Path) -> Iterator[Example]:
    """The examples of `lfw/PERSON/PERSON_0001.jpg`."""
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".jpg") else None
            if file is not None:
                yield {"image": cropped(file.read(), LFW_CROP), "label": Path(member.name).parent.name}


def _read_celeb_a(archive: Path, partition: Path) -> Mapping[str, Iterator[Example]]:
    parts = [line.split() for line in partition.read_text().splitlines() if line.strip()]
    return {
        split: _celeb_a(archive, [name for name, part in parts if int(part) == number])
        for number, split in enumerate(_PARTITION)
    }


def _celeb_a(path: Path, names: list[str]) -> Iterator[Example]:
    with zipfile.ZipFile(path) as archive:
        for name in names:
            yield {"image": cropped(archive.read(f"img_align_celeba/{name}"), CELEB_A_CROP)}


def _image(features: Any) -> Any:
    return features.Image(shape=(SIZE, SIZE, 3))


LFW = Recipe(
    name="lfw",
    version="0.1.1",
    description="Labeled Faces in the Wild: 13,233 photographs, the middle 128x128 halved to 64x64.",
    homepage="http://vis-www.cs.umass.edu/lfw",
    features=lambda features: {"image": _image(features), "label": features.Text()},
    sources=(
        Source(
            (
                Original(
                    "lfw.tgz",
                    "https://ndownloader.figshare.com/files/5976018",
                    180_566_744,
                    "055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0",
                ),
            ),
            _read_lfw,
            {"train": 13_233},
            config="crop_64",
        ),
    ),
)

CELEB_A = Recipe(
    name="celeb_a",
    version="2.1.0",
    description="CelebA: 202,599 aligned photographs of faces, the middle 148x148 resized to 64x64; official splits.",
    homepage="http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    features=lambda features: {"image": _image(features)},
    sources=(
        Source(
            (
                Original(
                    "img_align_celeba.zip",
                    "https://drive.google.com/uc?export=download&id=0B7EVK8r0v71pZjFTYXZWM3FlRnM",
                    1_443_490_838,
                    "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
                ),
                Original(
                    "list_eval_partition.txt",
                    "https://drive.google.com/uc?export=download&id=0B7EVK8r0v71pY0NSMzRuSXJEVkk",
                    2_836_386,
                    "fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7",
                ),
            ),
            _read_celeb_a,
            {"train": 162_770, "validation": 19_867, "test": 19_962},
            config="crop_64",
        ),
    ),
)
