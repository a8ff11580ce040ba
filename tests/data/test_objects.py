"""Python objects as data, against the arrays that they give."""

import pickle
import re

import numpy as np
import pytest

from vae_jax.data import from_object
from vae_jax.data.objects import Items

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4, 3), dtype=np.uint8)
LABELS = np.arange(20) % 7
TRAIN = np.delete(np.arange(20), [5, 7, 14, 16])


class Pairs:
    """In the style of PyTorch: items are made when they are asked for."""

    def __init__(self, convert=lambda label: label):
        self.convert = convert

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, index):
        assert isinstance(index, int)
        return IMAGES[index], self.convert(int(LABELS[index]))


def plain(label):
    return label


def test_items_are_indexed_like_an_array_also_after_pickling():
    examples = pickle.loads(pickle.dumps(Items(Pairs(plain), "mine", 0)))
    assert (examples.shape, examples.dtype, len(examples)) == (IMAGES.shape, np.uint8, 20)
    for rows in (slice(None), slice(3, 15, 4), np.array([19, 2, 2]), np.array([], int)):
        np.testing.assert_array_equal(examples[rows], IMAGES[rows])
        assert examples[rows].dtype == np.uint8


@pytest.mark.parametrize("feed", ["memory", "stream"])
@pytest.mark.parametrize("own", [IMAGES, list(IMAGES), [image.tolist() for image in IMAGES], Pairs()], ids=type)
def test_any_object_is_split_by_a_fixed_key(own, feed):
    data = from_object(own, feed=feed)
    assert (data.name, data.max_value, data.is_streamed) == ("own", 255, feed == "stream")
    for split, rows in (("train", TRAIN), ("validation", [7, 16]), ("test", [5, 14])):
        np.testing.assert_array_equal(data.split(split).examples[:], IMAGES[rows])
        if isinstance(own, Pairs):
            np.testing.assert_array_equal(data.split(split).labels[:], LABELS[rows])
        else:
            assert data.split(split).labels is None


def test_splits_may_be_given_by_name():
    data = from_object({"train": Pairs(), "val": list(zip(IMAGES[:3], LABELS[:3], strict=True)), "test": Pairs()})
    assert {name: len(split.examples) for name, split in data.splits.items()} == {
        "train": 20,
        "validation": 3,
        "test": 20,
    }
    np.testing.assert_array_equal(data.split("validation").labels, LABELS[:3])


def test_labels_may_be_given_beside_the_examples_as_words():
    words = np.array(["owl", "cat"] * 10)
    data = from_object(list(IMAGES), labels=words.tolist())
    assert data.label_names == ("cat", "owl")
    np.testing.assert_array_equal(data.split("test").labels, [0, 1])
    data = from_object({"train": IMAGES, "test": IMAGES[:2], "validation": IMAGES[:2]}, labels={"test": [4, 5]})
    np.testing.assert_array_equal(data.split("test").labels, [4, 5])
    assert data.train.labels is None


@pytest.mark.parametrize(
    ("array", "dtype", "max_value"),
    [
        (IMAGES, np.uint8, 255),
        (IMAGES > 9, np.uint8, 255),
        (IMAGES.astype(int), np.int32, 255),
        (IMAGES / 255, np.float32, 1),
        ((IMAGES / 255).astype(np.float16), np.float32, 1),
    ],
)
@pytest.mark.parametrize("wrap", [np.asarray, list])
def test_numbers_are_kept_as_the_device_has_them(wrap, array, dtype, max_value):
    data = from_object(wrap(array))
    assert (data.train.examples.dtype, data.max_value) == (dtype, max_value)
    np.testing.assert_array_equal(data.split("test").examples, array[[5, 14]].astype(dtype))
    assert from_object(wrap(array), max_value=3).max_value == 3


def changed(index, item):
    return [item if row == index else image for row, image in enumerate(IMAGES)]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (iter(IMAGES), "expected own to have len() and items by number; got a generator; make a list of it"),
        ([], "expected items in own; got an empty list"),
        ({"train": IMAGES, "test": []}, "expected items in own['test']; got an empty list"),
        (
            changed(13, IMAGES[0, :2]),
            "expected every item of own to be like item 0, uint8 of shape (4, 3); item 13 is uint8 of shape (2, 3)",
        ),
        (changed(7, IMAGES[0] / 2), "to be like item 0, uint8 of shape (4, 3); item 7 is float64 of shape (4, 3)"),
        (changed(0, np.array("a")), "expected numbers in item 0 of own; got <U1; give arrays of uint8 or float32"),
        (np.array(["a"]), "expected numbers in own; got <U1; give arrays of uint8 or float32"),
        (list(range(20)), "expected the items of own to be arrays; item 0 is a single number; give arrays"),
        (np.arange(20), "expected the items of own to be arrays; item 0 is a single number; give arrays"),
        (Pairs(float), "expected whole numbers as labels of own; item 0 has 0.0; give (example, label)"),
        (Pairs(str), "expected numbers in item 0 of the labels of own; got <U1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_with_the_item(own, message):
    own = (image for image in own) if message.startswith("expected own to have") else own
    with pytest.raises(ValueError, match=re.escape(message)):
        from_object(own)


@pytest.mark.parametrize("labels", [LABELS, {"tset": LABELS}], ids=["none", "misspelt"])
def test_labels_of_splits_are_given_by_split(labels):
    with pytest.raises(ValueError, match=r"expected labels= by the names of splits, train, test, as the examples are"):
        from_object({"train": IMAGES, "test": IMAGES}, labels=labels)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(
        ValueError, match=r"expected one label for each of the 20 examples in split 'train' of own; got 3"
    ):
        from_object(IMAGES, labels=[1, 2, 3])
