"""MNIST and the two data sets that took its format, IDX."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vae_jax.prepare.recipe import Example, Original, Recipe, Source

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def idx(path: Path) -> np.ndarray:
    """The array of a gzipped IDX file of bytes.

    Raises:
        ValueError: If it is not such a file.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError) as error:
        raise ValueError(f"expected a gzipped IDX file; {path} is not one ({error})") from None
    rank = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(content, ">u4", rank, 4).astype(int)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    if rank == 0 or values.size != shape.prod():
        raise ValueError(f"expected an IDX file of bytes; {path} has another header, or another length than that says")
    return values.reshape(shape)


def images_with_labels(images: Path, labels: Path) -> Iterator[Example]:
    """The examples of a pair of IDX files."""
    for image, label in zip(idx(images), idx(labels), strict=True):
        yield {"image": image, "label": int(label)}


def _read(
    train_images: Path, train_labels: Path, test_images: Path, test_labels: Path
) -> Mapping[str, Iterator[Example]]:
    return {
        "train": images_with_labels(train_images, train_labels),
        "test": images_with_labels(test_images, test_labels),
    }


def _source(url: str, *sizes_and_checksums: tuple[int, str]) -> Source:
    files = zip(FILES, sizes_and_checksums, strict=True)
    originals = tuple(Original(name, url + name, size, checksum) for name, (size, checksum) in files)
    return Source(originals, _read, {"train": 60_000, "test": 10_000})


def _features(features: Any, names: list[str] | None = None) -> Mapping[str, Any]:
    return {
        "image": features.Image(shape=(28, 28, 1)),
        "label": features.ClassLabel(names=names) if names else features.ClassLabel(num_classes=10),
    }


MNIST = Recipe(
    name="mnist",
    version="3.0.1",
    description="The MNIST database of handwritten digits.",
    homepage="http://yann.lecun.com/exdb/mnist/",
    features=_features,
    sources=(
        _source(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
    ),
)

FASHION_MNIST = Recipe(
    name="fashion_mnist",
    version="3.0.1",
    description="Fashion-MNIST: Zalando's pictures of articles in ten classes, 28x28 in grey.",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    features=lambda features: _features(
        features,
        [
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
    ),
    sources=(
        _source(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
    ),
)

KMNIST = Recipe(
    name="kmnist",
    version="3.0.1",
    description="Kuzushiji-MNIST: one cursive character for each of the ten rows of Hiragana, 28x28 in grey.",
    homepage="http://codh.rois.ac.jp/kmnist/index.html.en",
    features=lambda features: _features(features, ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]),
    sources=(
        _source(
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
            (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
        ),
    ),
)
