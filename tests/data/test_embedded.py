"""The data that come with dependencies: always the same, split the same way."""

import zlib

import numpy as np
import pytest

from vae_jax.data import DataConfig, binarise_dynamically, likelihood_kinds, load
from vae_jax.data.values import UnknownMaximum

SIZES = {
    "auto_mpg": (317, 38, 37),
    "breast_cancer": (457, 56, 56),
    "digits": (1_444, 177, 176),
    "lfw_faces": (80, 10, 10),
    "mnist_5k": (4_000, 500, 500),
}
CHECKSUMS = {
    "auto_mpg": (3_165_645_323, 2_450_659_876, 2_862_791_854),
    "breast_cancer": (1_751_240_069, 3_446_480_668, 1_211_182_144),
    "digits": (3_735_621_472, 781_373_482, 4_118_467_289),
    "lfw_faces": (1_770_898_924, 1_969_113_831, 1_051_680_405),
    "mnist_5k": (4_167_204_901, 1_050_227_481, 2_887_492_381),
}
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module", params=sorted(SIZES))
def data(request):
    return load(request.param)


@pytest.fixture(scope="module", params=["digits", "mnist_5k"])
def classified(request):
    return load(request.param)


def test_it_has_its_name_shape_and_range(data):
    shape, dtype, max_value, largest = {
        "auto_mpg": ((8,), np.float32, None, 5_140),
        "breast_cancer": ((30,), np.float32, None, 4_254),
        "digits": ((8, 8), np.uint8, 16, 16),
        "lfw_faces": ((25, 25), np.uint8, 255, 255),
        "mnist_5k": ((28, 28), np.uint8, 255, 255),
    }[data.name]
    assert data.example_shape == shape
    assert (None if isinstance(data.max_value, UnknownMaximum) else data.max_value) == max_value
    assert data.train.examples.dtype == dtype
    assert data.train.examples.min() == 0
    assert data.train.examples.max() == largest


def test_the_splits_have_fixed_sizes(data):
    assert tuple(len(data.split(name).examples) for name in SPLITS) == SIZES[data.name]
    for name in SPLITS:
        labels = data.split(name).labels
        assert labels is None if data.name == "lfw_faces" else len(labels) == len(data.split(name).examples)


def test_the_splits_have_the_same_examples_for_ever(data):
    """A new version of a dependency, or of the split, that moves an example makes old numbers incomparable."""
    checksums = tuple(zlib.crc32(data.split(name).examples.tobytes()) for name in SPLITS)
    assert checksums == CHECKSUMS[data.name]


def test_no_example_is_in_two_splits(data):
    images = {name: {image.tobytes() for image in data.split(name).examples} for name in SPLITS}
    for name, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not images[name] & images[other], (name, other)


def test_every_class_has_its_share_of_every_split(classified):
    counts = np.stack([np.bincount(classified.split(name).labels, minlength=10) for name in SPLITS])
    shares = counts / counts.sum(axis=0)
    np.testing.assert_allclose(shares, np.repeat([[0.8], [0.1], [0.1]], 10, axis=1), atol=0.012)  # 2 of 174


def test_examples_and_labels_belong_together(classified):
    """The mean image of a class, from the training split, is nearest to most test examples of that class."""
    images, labels = classified.matrix(), classified.train.labels
    means = np.stack([images[labels == label].mean(axis=0) for label in range(10)])
    distances = ((classified.matrix("test")[:, None] - means) ** 2).sum(-1)
    assert (distances.argmin(axis=1) == classified.split("test").labels).mean() > 0.75


def test_the_description_says_how_it_was_split(data):
    of_a_class = "" if data.name == "lfw_faces" else " of a class"
    said = f"of every ten{of_a_class}, the ninth is for validation and the tenth for testing"
    assert said in " ".join(data.description.split())


def test_the_table_is_the_one_that_is_known():
    """Means of the documentation, over all 569 rows; malignant tissue has larger cells."""
    data = load("breast_cancer")
    names = [column.name for column in data.columns]
    assert (len(names), names[0], names[-1]) == (30, "mean radius", "worst fractal dimension")
    assert data.label_names == ("malignant", "benign")
    rows = np.concatenate([data.split(name).examples for name in SPLITS])
    labels = np.concatenate([data.split(name).labels for name in SPLITS])
    assert np.bincount(labels).tolist() == [212, 357]
    np.testing.assert_allclose(rows[:, [0, 3]].mean(axis=0), [14.127, 654.889], rtol=1e-4)
    assert rows[labels == 0, 0].mean() > 1.3 * rows[labels == 1, 0].mean()


def test_the_cars_are_those_that_are_known_and_their_classes_have_codes():
    """Counts of the UCI's table, without its six rows that lack a horsepower."""
    data = load("auto_mpg")
    splits = [data.split(name) for name in SPLITS]
    rows, labels = (np.concatenate([getattr(split, part) for split in splits]) for part in ("examples", "labels"))
    table = {column.name: values for column, values in zip(data.columns, rows.T, strict=True)}
    assert likelihood_kinds(data.columns) == ("continuous", 5, "continuous", "count", "continuous", "continuous", 13, 3)
    assert np.bincount(table["cylinders"].astype(int)).tolist() == [4, 199, 3, 83, 103]
    assert np.bincount(table["origin"].astype(int)).tolist() == [245, 68, 79]
    assert np.unique(table["year"]).tolist() == list(range(13))
    np.testing.assert_array_equal(table["origin"], labels)
    assert data.label_names[int(labels[np.argmax(table["weight"])])] == "USA"
    np.testing.assert_allclose([table["mpg"].mean(), table["horsepower"].mean()], [23.446, 104.469], rtol=1e-4)


def test_the_faces_are_faces_and_not_the_other_half():
    """Each is nearer to the mean face than most of what scikit-image gives as no faces."""
    from skimage.data import lfw_subset

    data = load("lfw_faces")
    faces = np.concatenate([data.split(name).examples for name in SPLITS]).reshape(100, -1) / 255.0
    others = lfw_subset()[100:].reshape(100, -1)
    distances = [np.median(((images - faces.mean(axis=0)) ** 2).mean(axis=1)) for images in (faces, others)]
    assert distances[0] < 0.7 * distances[1]


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(
        ValueError,
        match=r"expected a data set that is embedded \(.*digits.*\) or .*; got 'digit'; did you mean 'digits'",
    ):
        load("digit")


@pytest.mark.parametrize("name", ["auto_mpg", "breast_cancer"])
def test_measurements_are_not_binarised(name):
    with pytest.raises(ValueError, match=f"to scale or binarise; {name} holds measurements from 0 to "):
        binarise_dynamically(load(name).max_value)


def test_what_is_known_of_an_embedded_set_is_not_changed_by_an_option():
    with pytest.raises(ValueError, match=r"expected no --data.max-value for digits; it is for a folder of images"):
        load(DataConfig("digits", max_value=255))
