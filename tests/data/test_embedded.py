"""The data that come with dependencies: always the same, split the same way."""

import zlib

import numpy as np
import pytest

from vae_jax.data import load
from vae_jax.data.embedded import EMBEDDED

SIZES = {"digits": (1_444, 177, 176), "mnist_5k": (4_000, 500, 500)}
CHECKSUMS = {
    "digits": (3_735_621_472, 781_373_482, 4_118_467_289),
    "mnist_5k": (4_167_204_901, 1_050_227_481, 2_887_492_381),
}
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module", params=sorted(EMBEDDED))
def data(request):
    return load(request.param)


def test_it_has_its_name_shape_and_range(data):
    shape, max_value = {"digits": ((8, 8), 16), "mnist_5k": ((28, 28), 255)}[data.name]
    assert data.example_shape == shape
    assert data.max_value == max_value
    assert data.train.examples.dtype == np.uint8
    assert data.train.examples.min() == 0
    assert data.train.examples.max() == max_value


def test_the_splits_have_fixed_sizes(data):
    assert tuple(len(data.split(name).examples) for name in SPLITS) == SIZES[data.name]
    assert tuple(len(data.split(name).labels) for name in SPLITS) == SIZES[data.name]


def test_the_splits_have_the_same_examples_for_ever(data):
    """A new version of a dependency, or of the split, that moves an example makes old numbers incomparable."""
    checksums = tuple(zlib.crc32(data.split(name).examples.tobytes()) for name in SPLITS)
    assert checksums == CHECKSUMS[data.name]


def test_no_example_is_in_two_splits(data):
    images = {name: {image.tobytes() for image in data.split(name).examples} for name in SPLITS}
    for name, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not images[name] & images[other], (name, other)


def test_every_class_has_its_share_of_every_split(data):
    counts = np.stack([np.bincount(data.split(name).labels, minlength=10) for name in SPLITS])
    shares = counts / counts.sum(axis=0)
    np.testing.assert_allclose(shares, np.repeat([[0.8], [0.1], [0.1]], 10, axis=1), atol=0.012)  # 2 of 174


def test_examples_and_labels_belong_together(data):
    """The mean image of a class, from the training split, is nearest to most test examples of that class."""
    images, labels = data.matrix(), data.train.labels
    means = np.stack([images[labels == label].mean(axis=0) for label in range(10)])
    distances = ((data.matrix("test")[:, None] - means) ** 2).sum(-1)
    assert (distances.argmin(axis=1) == data.split("test").labels).mean() > 0.75


def test_the_description_says_how_it_was_split(data):
    assert "of every ten of a class, the ninth is for validation and the tenth for testing" in data.description


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(
        ValueError,
        match=r"expected a data set that is embedded \(digits, mnist_5k\) or .*; got 'digit'; did you mean 'digits'",
    ):
        load("digit")
