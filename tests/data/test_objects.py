"""Python objects as data, against the arrays that they give."""

import datetime
import pickle
import re
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from vae_jax.data import DataConfig, from_object, load
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
        (IMAGES > 9, np.uint8, 1),
        ((IMAGES > 9).astype(int), np.uint8, 1),
        ((IMAGES > 9).astype(float), np.int32, 1),
        (IMAGES.astype(int), np.uint8, 255),
        (IMAGES.astype(float), np.int32, 255),
        (IMAGES.astype(np.uint16) * 16, np.uint16, 16 * int(IMAGES.max())),
        (IMAGES / 255, np.float32, 1),
        ((IMAGES / 255).astype(np.float16), np.float32, 1),
    ],
)
@pytest.mark.parametrize("wrap", [np.asarray, list])
def test_numbers_are_kept_as_the_device_has_them(wrap, array, dtype, max_value):
    data = from_object(wrap(array))
    assert (data.train.examples.dtype, data.max_value) == (dtype, max_value)
    np.testing.assert_array_equal(data.split("test").examples, array[[5, 14]].astype(dtype))
    assert from_object(wrap(array), max_value=70_000).max_value == 70_000


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


class Tensor:
    """What a PyTorch tensor can do that matters here."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.shape = self.array.shape

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        return Tensor(self.array[index])

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.array


@pytest.mark.parametrize("wrap", [list, tuple, np.asarray, Tensor, jnp.asarray], ids=lambda wrap: wrap.__name__)
def test_examples_and_labels_may_be_a_pair_of_any_kind(wrap):
    data = from_object((wrap(IMAGES), wrap(LABELS)))
    np.testing.assert_array_equal(data.split("test").examples, IMAGES[[5, 14]])
    np.testing.assert_array_equal(data.split("test").labels, LABELS[[5, 14]])
    by_split = from_object({split: (wrap(IMAGES), wrap(LABELS)) for split in ("train", "validation", "test")})
    np.testing.assert_array_equal(by_split.split("test").labels, LABELS)


def test_a_tensor_data_set_gives_its_numbers_and_labels():
    items = [(Tensor(image / np.float32(255)), Tensor(label)) for image, label in zip(IMAGES, LABELS, strict=True)]
    data = from_object(items)
    np.testing.assert_array_equal(data.train.examples, (IMAGES / np.float32(255))[TRAIN])
    np.testing.assert_array_equal(data.split("test").labels, LABELS[[5, 14]])
    assert (data.max_value, data.train.labels.dtype) == (1, np.int32)


FRAME = {"height": np.linspace(1.5, 2.0, 20), "age": np.arange(20), "is_young": np.arange(20) < 9}


def test_a_frame_brings_the_names_of_its_columns_and_a_series_those_of_its_classes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(FRAME, index=np.arange(20)[::-1])
    for words in (["owl", "cat"] * 10, pandas.Categorical(["owl", "cat"] * 10)):
        data = from_object((frame, pandas.Series(words, name="kind")))
        assert [column.name for column in data.columns] == ["height", "age", "is_young"]
        assert data.label_names == ("cat", "owl")
        np.testing.assert_allclose(data.split("test").examples, np.stack(list(FRAME.values()), 1)[[5, 14]], rtol=1e-6)
    np.testing.assert_array_equal(data.split("test").labels, [0, 1])
    assert [column.kind for column in data.columns] == ["real", "whole", "yes/no"]
    assert "real numbers from 0 to 19, kept as they are" in data.values
    pixels = from_object(pandas.DataFrame(IMAGES.reshape(20, 12).astype(float)))
    assert (pixels.max_value, pixels.train.examples.dtype, pixels.columns[1].name) == (255, np.int32, "1")


def test_a_frame_has_the_columns_that_its_file_has(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            **FRAME,
            "town": pandas.Categorical(["Ulm", "Bonn"] * 10),
            "day": pandas.date_range("2024-01-31", periods=20),
            "serial": 2**40 + np.arange(20),
            "known": pandas.array([1, 2] * 10, dtype="Int64"),
        }
    )
    frame.to_csv(tmp_path / "mine.csv", index=False)
    own, filed = (
        from_object(frame, kinds={"known": "count"}),
        load(DataConfig(str(tmp_path / "mine.csv"), kinds="known=count")),
    )
    as_days = [replace(column, unit="") for column in own.columns]
    assert as_days == [replace(column, unit="") for column in filed.columns]
    assert [column.kind for column in own.columns[3:]] == ["category", "date", "whole", "count"]
    np.testing.assert_array_equal(own.train.examples, filed.train.examples)
    assert own.values == filed.values


def test_words_and_origins_are_the_same_in_every_split():
    pandas = pytest.importorskip("pandas")
    first = {"town": ["Ulm", "Bonn"], "at": [2**40, 2**40 + 3]}
    second = {"town": ["Aue", "Aue"], "at": [2**40 + 6] * 2}
    train, test = pandas.DataFrame(first), (pandas.DataFrame(second), ["a", "b"])
    data = from_object({"train": train, "validation": train, "test": test})
    assert data.columns[0].values == ("Aue", "Bonn", "Ulm")
    assert data.split("test").examples.tolist() == [[0, 6], [0, 6]]
    with pytest.raises(ValueError, match=r"column 'at' of own; row 2 of 'test' has nan"):
        from_object({"train": pandas.DataFrame(first), "test": pandas.DataFrame(second | {"at": [1.0, np.nan]})})
    with pytest.raises(
        ValueError, match=r"same columns in every split; own\['train'\] has town, at, own\['test'\] has at"
    ):
        from_object({"train": pandas.DataFrame(first), "test": pandas.DataFrame({"at": [1, 2]})})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"sex": ["f", "m"] * 9 + ["f", None]}, "expected a value in every row of column 'sex' of own; row 20 has "),
        ({"age": [*range(19), None]}, "expected finite numbers in column 'age' of own; row 20 has nan; correct it"),
        ({"name": [str(chr(97 + i)) * 3 for i in range(26)]}, "expected words that come again in column 'name' of own"),
        ({"x": [1 + 2j] * 20}, "expected numbers, words or dates in column 'x' of own; it is of type complex128"),
        ({"x": [[1, 2]] * 20}, "expected numbers, words or dates in column 'x' of own; row 1 has [1, 2], of type list"),
        (
            {"x": [1, "a"] * 10},
            "expected numbers, words or dates in column 'x' of own; row 1 has 1, of type int",
        ),
        (
            {"at": [datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC)] * 20},
            "expected dates without a time zone in column 'at' of own; call .dt.tz_localize(None)",
        ),
        ({}, "expected columns in own; there are none"),
    ],
)
def test_a_column_that_has_no_kind_is_named(columns, message):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=re.escape(message)):
        from_object(pandas.DataFrame(columns, index=range(26 if "name" in columns else 20)))


def test_dates_of_python_are_dates():
    pandas = pytest.importorskip("pandas")
    days = [datetime.date(2024, 1, day) for day in (1, 31)] * 10
    times = [datetime.datetime(2024, 1, day, 12) for day in (1, 31)] * 10
    data = from_object(
        pandas.DataFrame({"day": pandas.Series(days, dtype=object), "at": pandas.Series(times, dtype=object)})
    )
    assert [(column.kind, column.bounds[1] - column.bounds[0]) for column in data.columns] == [("date", 30)] * 2


def test_a_frame_is_no_part_of_an_example():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"expected an array in own\['x'\]; got a DataFrame; call .to_num"):
        from_object({"train": {"x": pandas.DataFrame(FRAME)}})


def test_labels_that_are_missing_are_named():
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series(["owl", *["cat"] * 18, None], dtype=object)
    with pytest.raises(ValueError, match="expected a whole number or a word for each example as labels=; item 19 has"):
        from_object(IMAGES, labels=labels)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            np.ma.masked_equal(IMAGES, IMAGES[0, 0, 0]),
            "expected an array without a mask in own; got one with 2 masked values; call .filled(VALUE)",
        ),
        ([np.ma.masked_equal(IMAGES[0], IMAGES[0, 0, 0])] * 20, "expected an array without a mask in item 0 of own"),
        (scipy.sparse.eye_array(20).tocsr(), "expected a dense array in own; got a csr_array; call .toarray()"),
        (np.where(IMAGES > 200, np.nan, 1.0), "expected finite numbers in own; row 0 has nan"),
        ({"data": IMAGES, "target": LABELS}, "got a bunch of scikit-learn; give (bunch.data, bunch.target)"),
        (((IMAGES, LABELS), LABELS), "the examples bring labels of their own; give one of them"),
        ({1: IMAGES}, "expected names of splits, or of parts, as the keys of a dict; got 1"),
        ((IMAGES, LABELS[:3]), "expected one label for each of the 20 examples in split 'train' of own; got 3"),
        (
            [(image, 1, 2) for image in IMAGES],
            "expected an example, or it and its label, as item 0 of own; got a",
        ),
        (
            [{"x": image} if i < 5 else {"y": image} for i, image in enumerate(IMAGES)],
            "expected an item for each of the 20 numbers from 0 on in own, part 'x' with entry 'x', as item 0 has; ",
        ),
        (
            {"train": {"x": IMAGES, "mask": IMAGES}, "test": {"x": IMAGES}},
            "expected the same parts in every split; own['test'] has no part 'mask'",
        ),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_what_would_be_a_wrong_number_is_refused(own, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        from_object(own)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"feed": "disk"}, "expected feed= as auto or memory or stream; got 'disk'"),
        ({"max_value": "255"}, "expected max_value=N with a number; got '255'"),
        ({"kinds": {"a": "real"}}, "expected kinds= for a frame, whose columns have names; own is none; leave it out"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        from_object(IMAGES, **options)


def test_an_object_that_is_shorter_than_it_says_is_named():
    class Liar(Pairs):
        def __len__(self):
            return 25

    with pytest.raises(ValueError, match=r"an item for each of the 25 numbers from 0 on in own.*; item 20 fails"):
        from_object(Liar())


def test_values_beyond_a_stated_maximum_are_refused():
    with pytest.raises(ValueError, match=r"expected values in \[0, 3\] in own, by max_value=3; it holds whole numbers"):
        from_object(IMAGES, max_value=3)


@pytest.mark.parametrize("change", [lambda image: image + 300, lambda image: image - 300])
def test_a_stream_is_checked_while_it_is_read(change, monkeypatch):
    monkeypatch.setattr("vae_jax.data.objects.NUM_SEEN", 15)
    items = [image.astype(np.int16) for image in IMAGES]
    items[17] = change(items[17])
    data = from_object(items, feed="stream")
    assert (data.max_value, data.train.examples.dtype) == (255, np.uint8)
    data.train.examples[:13]
    with pytest.raises(ValueError, match=r"expected values as in the first examples of own, .* 255 becomes 1; item 17"):
        data.train.examples[13:]
    assert pickle.loads(pickle.dumps(data.split("test").examples))[:].dtype == np.uint8


def test_parts_other_than_x_keep_their_values():
    condition = LABELS - 3
    data = from_object({"train": {"x": IMAGES / 255, "condition": condition, "mask": IMAGES > 3}})
    parts = data.train.examples.parts
    assert {name: part.dtype for name, part in parts.items()} == {"x": np.float32, "condition": np.int32, "mask": bool}
    np.testing.assert_array_equal(parts["condition"], condition[TRAIN])
    with pytest.raises(ValueError, match=re.escape("expected finite numbers in own['condition']; row 3 has nan")):
        from_object({"train": {"x": IMAGES, "condition": np.where(np.arange(20) == 3, np.nan, 0)}})
