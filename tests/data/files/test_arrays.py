"""Arrays that numpy saved, against the arrays themselves."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from vae_jax.data import DataConfig, load
from vae_jax.data.files.arrays import MappedArray, read_arrays
from vae_jax.data.values import UnknownMaximum

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 5, 4), dtype=np.uint8)
REAL = np.random.default_rng(1).normal(size=(12, 3))


def read(path, **options):
    return read_arrays(path, DataConfig(str(path), **options))


@pytest.fixture
def npy(tmp_path):
    def write(array):
        np.save(tmp_path / "mine.npy", array)
        return tmp_path / "mine.npy"

    return write


@pytest.fixture
def npz(tmp_path):
    def write(**arrays):
        np.savez_compressed(tmp_path / "mine.npz", **arrays)
        return tmp_path / "mine.npz"

    return write


def test_an_npy_file_is_mapped_and_can_be_pickled(npy):
    data = read(npy(IMAGES))
    assert (data.name, data.description, list(data.splits)) == ("mine", "12 examples from mine.npy", ["train"])
    examples = data.train.examples
    assert isinstance(examples.stored, np.memmap)
    content = pickle.dumps(examples)
    assert len(content) < 1_000
    for rows in (slice(None), slice(1, 9, 3), np.array([5, 0, 0])):
        for read_again in (examples, pickle.loads(content)):
            np.testing.assert_array_equal(read_again[rows], IMAGES[rows])
            assert type(read_again[rows]) is np.ndarray
    assert len(examples) == 12


@pytest.mark.parametrize("write", ["npy", "npz"])
@pytest.mark.parametrize(
    ("array", "dtype", "max_value"),
    [
        (IMAGES, np.uint8, 255),
        (IMAGES[..., None], np.uint8, 255),
        (IMAGES.astype(np.int64), np.uint8, 255),
        (np.asfortranarray(IMAGES), np.uint8, 255),
        (IMAGES > 99, np.uint8, 1),
        ((IMAGES > 99).astype(np.uint8), np.uint8, 1),
        ((IMAGES > 99).astype(np.int16), np.uint8, 1),
        (IMAGES / 255, np.float32, 1),
        (IMAGES.reshape(12, -1).astype(np.float32), np.int32, 255),
        (IMAGES.astype(np.float32), np.int32, 255),
        ((IMAGES > 99).astype(np.float32), np.int32, 1),
        (16 * IMAGES.astype(np.uint16), np.uint16, 16 * int(IMAGES.max())),
        (IMAGES.astype(np.uint16), np.uint8, 255),
        (REAL, np.float32, None),
        (1_000 * REAL.astype(np.float16), np.float32, None),
        (IMAGES / 127.5 - 1, np.float32, None),
        (IMAGES * 0.5, np.float32, None),
        (IMAGES.astype(int) - 1, np.int32, None),
        (IMAGES.astype(int) * 1_000, np.int32, None),
        (IMAGES.astype(int) << 40, np.float32, None),
    ],
)
def test_values_are_kept_as_integers_or_floats_with_the_largest(request, write, array, dtype, max_value):
    data = read(request.getfixturevalue(write)(array) if write == "npy" else request.getfixturevalue(write)(x=array))
    examples = data.train.examples
    assert (examples.dtype, examples[:].dtype) == (dtype, dtype)
    assert isinstance(data.max_value, UnknownMaximum) if max_value is None else data.max_value == max_value
    squeezed = array[..., 0] if array.ndim == 4 else array
    assert examples.shape == squeezed.shape
    np.testing.assert_array_equal(examples[:], squeezed.astype(dtype))


def wrong(array, row, value):
    array = np.array(array)
    array[row, 1:] = value
    return array


@pytest.mark.parametrize("write", ["npy", "npz"])
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (wrong(REAL, 3, np.nan), "expected finite numbers in {}; row 3 has nan"),
        (wrong(REAL, 4, 1e300), "expected finite numbers in {}; row 4 has 1e+300"),
        (IMAGES[:0], "expected examples; {} of shape (0, 5, 4) holds none"),
        (np.arange(3), "expected examples of shape (num, ...), at least two axes; {} has (3,); reshape it, or choose"),
        (np.array([["a"]]), "expected numbers as examples; {} holds <U1; save it as uint8 or float32"),
        (np.array([[None]]), "expected numbers as examples; {} holds Python objects; save it as uint8 or float32"),
        (REAL.astype(complex), "expected numbers as examples; {} holds complex128; save it"),
    ],
)
def test_other_values_are_refused_with_the_row(request, write, array, message):
    path = request.getfixturevalue(write)(array) if write == "npy" else request.getfixturevalue(write)(x=array)
    with pytest.raises(ValueError) as error:
        read(path)
    where = str(path) if write == "npy" else f"'x' of {path}"
    assert str(error.value).startswith(message.format(where))


def test_rows_are_counted_through_all_chunks(npy, monkeypatch):
    monkeypatch.setattr("vae_jax.data.values._CHUNK", 40)
    with pytest.raises(ValueError, match="row 11 has nan"):
        read(npy(wrong(IMAGES.astype(float), 11, np.nan)))
    assert read(npy(IMAGES > 300)).max_value == 1
    assert read(npy(wrong(IMAGES * 0, 11, 2))).max_value == 255
    assert read(npy(wrong(IMAGES.astype(np.uint16), 11, 256))).max_value == 256


def test_a_file_of_large_bytes_is_not_read_to_its_end(npy, monkeypatch):
    monkeypatch.setattr("vae_jax.data.values._CHUNK", 1)
    seen, read_rows = [], MappedArray.__getitem__
    monkeypatch.setattr(MappedArray, "__getitem__", lambda self, rows: seen.append(rows) or read_rows(self, rows))
    read(npy(IMAGES))
    assert len(seen) == 1
    read(npy(IMAGES), max_value=255)
    assert len(seen) == 1 + len(IMAGES)


def test_an_option_says_which_value_becomes_one(npy):
    assert read(npy(IMAGES * 0.5), max_value=127.5).max_value == 127.5
    assert read(npy(IMAGES), max_value=300).values.endswith("of which 300 becomes 1, by --data.max-value 300")
    for array, given, message in (
        (IMAGES, 200.0, "expected values in [0, 200] in {}, by --data.max-value 200; it holds whole numbers from 0 to"),
        (IMAGES / 127.5 - 1, 1.0, "expected values in [0, 1] in {}, by --data.max-value 1; it holds real numbers from"),
        (IMAGES, 0.0, "expected --data.max-value N with a positive number; got --data.max-value 0"),
    ):
        with pytest.raises(ValueError) as error:
            read(npy(array), max_value=given)
        assert str(error.value).startswith(message.format(npy(array)))


@pytest.mark.parametrize(
    ("arrays", "options", "found"),
    [
        ("images", {}, {"train": ("images", None)}),
        ("IMAGES Labels", {}, {"train": ("IMAGES", "Labels")}),
        ("x y", {}, {"train": ("x", "y")}),
        ("something label", {}, {"train": ("something", "label")}),
        ("train valid test", {}, {"train": ("train", None), "valid": ("valid", None), "test": ("test", None)}),
        (
            "x_train y_train x_test y_test",
            {},
            {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")},
        ),
        (
            "train train_labels validation labels_validation",
            {},
            {"train": ("train", "train_labels"), "validation": ("validation", "labels_validation")},
        ),
        ("train_images test_images val_y", {}, {"train": ("train_images", None), "test": ("test_images", None)}),
        ("first second", {"examples": "second"}, {"train": ("second", None)}),
        (
            "x_train left_train left_test",
            {"examples": "left"},
            {"train": ("left_train", None), "test": ("left_test", None)},
        ),
        ("x_train x_test", {"examples": "x_test"}, {"train": ("x_test", None)}),
        ("x y y_coarse", {"labels": "y_coarse"}, {"train": ("x", "y_coarse")}),
    ],
)
def test_arrays_are_found_by_their_names(npz, arrays, options, found):
    rng = np.random.default_rng(0)
    stored = {
        name: rng.integers(0, 5, 12) if {"y", "label", "labels"} & set(name.lower().split("_")) else rng.random((12, 3))
        for name in arrays.split()
    }
    data = read(npz(**stored), **options)
    assert set(data.splits) == set(found)
    for split, (examples, labels) in found.items():
        np.testing.assert_array_equal(data.split(split).examples, stored[examples].astype(np.float32))
        if labels is None:
            assert data.split(split).labels is None
        else:
            np.testing.assert_array_equal(data.split(split).labels, stored[labels])
            assert data.split(split).labels.dtype == np.int32


def test_one_split_decides_the_scale_of_all(npz):
    assert read(npz(train=IMAGES > 99, test=IMAGES)).max_value == 255


def test_words_are_labels_with_the_same_numbers_in_every_split(npz):
    data = read(npz(x_train=IMAGES[:2], y_train=np.array(["owl", "cat"]), x_test=IMAGES[:1], y_test=np.array([b"dog"])))
    assert data.label_names == ("cat", "dog", "owl")
    assert (data.train.labels.tolist(), data.split("test").labels.tolist()) == ([2, 0], [1])


def test_labels_may_be_a_column_have_names_or_be_factors(npz):
    labels = np.arange(12)[:, None] % 2
    data = read(npz(x=IMAGES, y=labels, class_names=np.array(["no", "yes"])))
    assert data.label_names == ("no", "yes")
    np.testing.assert_array_equal(data.train.labels, labels[:, 0])
    assert read(npz(x=IMAGES, y=np.zeros((12, 3)))).train.labels.shape == (12, 3)


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        (
            {"a": REAL, "b": IMAGES},
            {},
            r"expected to find the examples of \S+mine.npz by a name such as 'images', 'x' or 'train'; it holds "
            r"a \(12, 3\), b \(12, 5, 4\); name them with --data.examples",
        ),
        ({}, {}, "it holds nothing; name"),
        (
            {"left": REAL, "right": REAL},
            {"examples": "rigth"},
            r"expected --data.examples to name an array of \S+mine.npz, which holds left \(12, 3\), right \(12, 3\); "
            "got 'rigth'; did you mean 'right'",
        ),
        ({"x": REAL}, {"labels": "y"}, "expected --data.labels to name an array of .*; got 'y'"),
        (
            {"x": REAL, "y": REAL[:, 0]},
            {},
            r"expected a whole number or a word for each example as labels; \S+ holds float64 of shape \(12,\); "
            "choose others with --data.labels",
        ),
        (
            {"x": REAL, "y": np.array([None] * 12)},
            {},
            "expected a whole number or a word for each example as labels; 'y' of .* holds Python objects; save it",
        ),
        ({"x": REAL, "y": np.arange(3)}, {}, "expected one label for each of the 12 examples in split 'train'"),
    ],
)
def test_arrays_that_cannot_be_told_apart_are_listed(npz, arrays, options, message):
    with pytest.raises(ValueError, match=message):
        read(npz(**arrays), **options)


def cut(content):
    return content[:-40]


def no_arrays(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", b"hello, this is text")
    return file.getvalue()


@pytest.mark.parametrize(
    ("suffix", "damage", "message"),
    [
        (".npy", cut, r"expected a file that numpy.save wrote; \S+mine.npy cannot be read \(.*\); save it again"),
        (".npy", lambda content: b"", "expected a file that numpy.save wrote;"),
        (".npy", lambda content: b"hello, this is text", "expected a file that numpy.save wrote;"),
        (".npz", cut, r"expected a file that numpy.savez wrote; \S+mine.npz cannot be read \(File is not a zip file\)"),
        (".npz", lambda content: b"", "expected a file that numpy.savez wrote;"),
        (".npz", lambda content: content.replace(IMAGES.tobytes()[:9], b"damaged!!"), "Bad CRC-32"),
        (".npz", no_arrays, "cannot be read .the magic string is not correct"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, suffix, damage, message):
    path = tmp_path / f"mine{suffix}"
    np.save(path, IMAGES) if suffix == ".npy" else np.savez(path, x=IMAGES)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("name", "options", "num", "shape", "max_value", "num_classes"),
    [
        ("frey_faces", {}, 1_965, (28, 20), 255, 0),
        ("olivetti_faces", {}, 400, (64, 64), 255, 40),
        ("binarized_mnist", {}, 70_000, (28, 28), 1, 0),
        ("caltech101_silhouettes_28", {}, 8_671, (28, 28), 1, 101),
        ("cifar10_exact_train_0_4000", {}, 4_000, (32, 32, 3), 255, 10),
        ("omniglot_small", {"examples": "small1_images"}, 2_720, (28, 28), 255, 0),
        ("omniglot_small", {"examples": "small2_images", "labels": "small2_alphabet"}, 3_120, (28, 28), 255, 20),
    ],
)
def test_real_files_are_read(shared_data, name, options, num, shape, max_value, num_classes):
    data = load(DataConfig(str(shared_data / "npz" / f"{name}.npz"), **options))
    assert set(data.splits) == {"train", "validation", "test"}
    assert sum(len(split.examples) for split in data.splits.values()) == num
    assert (data.example_shape, data.max_value) == (shape, max_value)
    labels = {label for split in data.splits.values() if split.labels is not None for label in split.labels.tolist()}
    assert len(labels) == num_classes or name == "omniglot_small"
    assert (len(data.label_names) > 0) == (name == "caltech101_silhouettes_28" or "labels" in options)
