"""Prepared TFDS sets, real and made up, whole and damaged."""

import gzip
import json
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from vae_jax.data import DataConfig
from vae_jax.data.embedded import EMBEDDED
from vae_jax.data.prepared.names import CAN_BE_PREPARED
from vae_jax.data.prepared.reading import read_prepared
from vae_jax.data.prepared.sets import data_directory, find_prepared, list_prepared
from vae_jax.prepare.recipes import RECIPES


def images(num, shape=(6, 5), max_value=255):
    values = np.random.default_rng(num).integers(0, max_value + 1, (num, *shape))
    return values.astype(np.uint8)


def grey(features):
    return {"image": features.Image(shape=(6, 5, 1)), "label": features.ClassLabel(names=["cat", "dog"])}


def toy(num=30, **others):
    return [{"image": image, "label": place % 2, **others} for place, image in enumerate(images(num))]


@pytest.fixture
def toy_set(prepare_set, tmp_path):
    """A grey set in two splits."""
    prepare_set("toy", {"train": toy(), "test": toy(7)}, grey)
    return DataConfig("toy", dir=str(tmp_path))


def counted(split):
    examples, labels = split.examples[:], split.labels[:] if split.labels is not None else np.zeros(len(split.examples))
    return Counter((image.tobytes(), int(label)) for image, label in zip(examples, labels, strict=True))


# Real data, against the files they were made from


def test_mnist_is_the_idx_files(shared_data):
    dataset = read_prepared(DataConfig("mnist", dir=str(shared_data / "tfds")))
    assert {name: split.examples.shape for name, split in dataset.splits.items()} == {
        "train": (60_000, 28, 28),
        "test": (10_000, 28, 28),
    }
    assert (dataset.max_value, dataset.example_shape) == (255, (28, 28))
    assert dataset.label_names == tuple("0123456789")
    raw = [
        gzip.decompress((shared_data / f"raw/mnist/t10k-{name}-ubyte.gz").read_bytes())
        for name in ("images-idx3", "labels-idx1")
    ]
    pixels, labels = np.frombuffer(raw[0][16:], np.uint8).reshape(-1, 784), np.frombuffer(raw[1][8:], np.uint8)
    originals = Counter((image.tobytes(), int(label)) for image, label in zip(pixels, labels, strict=True))
    assert counted(dataset.splits["test"]) == originals


def test_binarized_mnist_has_zeros_and_ones_and_no_labels(shared_data):
    dataset = read_prepared(DataConfig("binarized_mnist", dir=str(shared_data / "tfds")))
    assert list(dataset.splits) == ["train", "validation", "test"]
    test = dataset.splits["test"]
    assert (dataset.max_value, test.labels, test.examples.dtype) == (1, None, np.uint8)
    with np.load(shared_data / "npz/binarized_mnist.npz") as arrays:
        assert Counter(image.tobytes() for image in arrays["test"]) == Counter(
            image.tobytes() for image in test.examples[:]
        )


def test_colour_keeps_its_channels(shared_data):
    dataset = read_prepared(DataConfig("cifar10_jpeg", dir=str(shared_data / "tfds")))
    assert dataset.example_shape == (32, 32, 3)
    assert dataset.splits["train"].examples[:100].shape == (100, 32, 32, 3)
    assert dataset.label_names[3] == "cat"


# Rows


def test_rows_are_indexed_like_an_array(toy_set):
    train = read_prepared(toy_set).splits["train"]
    whole, labels = train.examples[:], train.labels[:]
    assert (whole.shape, whole.dtype, labels.shape, labels.dtype) == ((30, 6, 5), np.uint8, (30,), np.int32)
    for rows in (slice(3, 9), slice(None, None, -7), slice(30, 40), np.array([5, 0, 5, 29]), np.array([], int)):
        np.testing.assert_array_equal(train.examples[rows], whole[rows])
        np.testing.assert_array_equal(train.labels[rows], labels[rows])
    assert counted(train) == Counter((each["image"].tobytes(), each["label"]) for each in toy())


def test_a_split_travels_to_another_process(toy_set):
    train = read_prepared(toy_set).splits["train"]
    first = train.examples[:4]
    again = pickle.loads(pickle.dumps(train))
    np.testing.assert_array_equal(again.examples[:4], first)
    assert len(pickle.dumps(train)) < 2_000


def test_reading_is_quiet_and_needs_no_tensorflow(toy_set):
    code = (
        "import sys; from vae_jax.data import DataConfig; from vae_jax.data.prepared.reading import read_prepared\n"
        f"read_prepared(DataConfig('toy', dir={toy_set.dir!r})).splits['train'].examples[:3]\n"
        "assert 'tensorflow' not in sys.modules"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


# Which features


def test_zeros_and_ones_are_known_by_their_values(prepare_set, tmp_path):
    prepare_set(
        "ones",
        {"train": [{"image": image} for image in images(9, max_value=1)]},
        lambda f: {"image": f.Image(shape=(6, 5, 1))},
    )
    assert read_prepared(DataConfig("ones", dir=str(tmp_path))).max_value == 1
    assert read_prepared(DataConfig("ones", dir=str(tmp_path), max_value=2)).max_value == 2
    with pytest.raises(
        ValueError, match=r"expected values in \[0, 0.5\] in split 'train' of ones, by --data.max-value 0.5"
    ):
        read_prepared(DataConfig("ones", dir=str(tmp_path), max_value=0.5))


def test_several_classes_are_factors(prepare_set, tmp_path):
    def features(kinds):
        return {
            "image": kinds.Image(shape=(6, 5, 1)),
            "label_size": kinds.ClassLabel(num_classes=40),
            "label_form": kinds.ClassLabel(num_classes=3),
        }

    examples = [
        {"image": image, "label_size": place, "label_form": place % 3} for place, image in enumerate(images(12))
    ]
    prepare_set("factors", {"train": examples}, features)
    dataset = read_prepared(DataConfig("factors", dir=str(tmp_path)))
    assert (dataset.factor_names, dataset.label_names) == (("label_form", "label_size"), ())
    labels = dataset.splits["train"].labels[:]
    assert labels.shape == (12, 2)
    np.testing.assert_array_equal(labels[:, 0], labels[:, 1] % 3)
    one = read_prepared(DataConfig("factors", dir=str(tmp_path), labels="label_form"))
    np.testing.assert_array_equal(one.splits["train"].labels[:], labels[:, 0])


def test_sizes_that_the_description_leaves_open_are_read(prepare_set, tmp_path):
    def features(kinds):
        return {"image": kinds.Image(shape=(None, None, 3))}

    prepare_set("open", {"train": [{"image": image} for image in images(5, (4, 7, 3))]}, features)
    assert read_prepared(DataConfig("open", dir=str(tmp_path))).example_shape == (4, 7, 3)
    mixed = [{"image": images(1, shape)[0]} for shape in ((4, 7, 3), (9, 7, 3))]
    path = prepare_set("mixed", {"train": mixed}, features)
    with pytest.raises(ValueError) as refused:
        read_prepared(DataConfig("mixed", dir=str(tmp_path)))
    assert str(refused.value) == f"expected images of one size in {path}; got 4x7x3 and 9x7x3; prepare them at one size"


def numbers(kinds, **others):
    return {"n": kinds.Tensor(shape=(), dtype=np.int64), "m": kinds.Tensor(shape=(), dtype=np.int64), **others}


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({}, "expected one of the images of toy (image, other); it is not plain which is meant; give --data.examples"),
        ({"examples": "n"}, "expected one of the images of toy (image, other); got 'n'; give --data.examples"),
        (
            {"examples": "other"},
            "expected one of the labels of toy (m, n); it is not plain which is meant; give --data.labels",
        ),
        ({"examples": "image", "labels": "x"}, "expected one of the labels of toy (m, n); got 'x'; give --data.labels"),
    ],
)
def test_what_is_not_plain_is_asked_for(prepare_set, tmp_path, chosen, message):
    prepare_set(
        "toy",
        {"train": [{"image": image, "other": image, "n": 1, "m": 2} for image in images(3)]},
        lambda kinds: numbers(
            kinds, image=kinds.Image(shape=(6, 5, 1)), other=kinds.Tensor(shape=(6, 5), dtype=np.uint8)
        ),
    )
    with pytest.raises(ValueError) as refused:
        read_prepared(DataConfig("toy", dir=str(tmp_path), **chosen))
    assert str(refused.value) == message


# Which version


def test_the_newest_version_and_the_only_config_are_taken(prepare_set, tmp_path):
    for version in ("3.0.2", "3.0.10"):
        prepare_set("toy", {"train": toy(4)}, grey, version)
    prepare_set("crop", {"train": toy(4)}, grey, config="small")
    assert find_prepared("toy", tmp_path).version == "3.0.10"
    assert find_prepared("toy:3.0.2", tmp_path).version == "3.0.2"
    assert find_prepared("crop", tmp_path) == find_prepared("crop/small:1.0.0", tmp_path)
    assert [(each.name, each.version) for each in list_prepared(tmp_path)] == [
        ("crop/small", "1.0.0"),
        ("toy", "3.0.10"),
        ("toy", "3.0.2"),
    ]
    prepare_set("crop", {"train": toy(4)}, grey, config="large")
    with pytest.raises(
        ValueError, match=r"expected one of crop/large, crop/small, which are prepared in .*; got 'crop'"
    ):
        find_prepared("crop", tmp_path)


def test_where_sets_are_prepared_is_read_when_it_is_needed(monkeypatch, tmp_path):
    assert data_directory("a") == Path("a")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert data_directory() == tmp_path
    monkeypatch.delenv("TFDS_DATA_DIR")
    assert data_directory() == Path.home() / "tensorflow_datasets"


def test_data_know_the_names_of_the_recipes():
    assert tuple(RECIPES) == CAN_BE_PREPARED


# Not there


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("kmnist", "got 'kmnist'; prepare it with: vae-jax data prepare kmnist --dir {dir}"),
        (
            "mnsit",
            "got 'mnsit'; did you mean 'mnist'?; if TFDS knows it, prepare it with: "
            "pip install 'vae-jax[tf]' && vae-jax data prepare mnsit --dir {dir}",
        ),
        (
            "cats/small:1.0.0",
            "got 'cats/small:1.0.0'; if TFDS knows it, prepare it with: "
            "pip install 'vae-jax[tf]' && vae-jax data prepare cats/small --dir {dir}",
        ),
    ],
)
def test_what_is_not_prepared_says_how_to_prepare_it(toy_set, tmp_path, name, ending):
    for directory, there in ((tmp_path, "which holds toy"), (tmp_path / "nowhere", "which does not exist")):
        with pytest.raises(ValueError) as refused:
            read_prepared(DataConfig(name, dir=str(directory)))
        start = f"expected a data set that is embedded ({', '.join(EMBEDDED)}) or prepared in {directory}, {there}; "
        assert str(refused.value) == start + ending.format(dir=directory)


def test_a_version_that_is_not_there(toy_set):
    with pytest.raises(ValueError) as refused:
        read_prepared(DataConfig("toy:2.0.0", dir=toy_set.dir))
    assert str(refused.value) == "expected a version of toy that is prepared (1.0.0); got 'toy:2.0.0'"


# Damage


def change(key, value):
    def damage(folder):
        info = json.loads((folder / "dataset_info.json").read_text())
        (folder / "dataset_info.json").write_text(json.dumps(info | {key: value}))

    return damage


def promise_more(folder):
    info = (folder / "dataset_info.json").read_text()
    (folder / "dataset_info.json").write_text(info.replace('"30"', '"31"'))


def record_file(folder):
    return folder / "toy-train.array_record-00000-of-00001"


ANEW = "make it anew with: pip install 'vae-jax[tf]' && vae-jax data prepare toy --dir {dir} --overwrite"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            change("fileFormat", "tfrecord"),
            "expected toy as array_record, which is read without TensorFlow; {dir}/toy/1.0.0 holds tfrecord; " + ANEW,
        ),
        (
            lambda folder: (folder / "dataset_info.json").write_text('{"name": '),
            "expected the description of a prepared data set; {dir}/toy/1.0.0/dataset_info.json is damaged; " + ANEW,
        ),
        (
            lambda folder: (folder / "features.json").write_text('{"name": '),
            "expected a prepared data set in {dir}/toy/1.0.0; it cannot be read (*); " + ANEW,
        ),
        (
            lambda folder: record_file(folder).write_bytes(record_file(folder).read_bytes()[:70_000]),
            "expected 30 records in {file}; it is truncated or damaged (*); " + ANEW,
        ),
        (
            lambda folder: record_file(folder).unlink(),
            "expected 30 records in {file}; it is truncated or damaged (open() failed: No such file or directory); "
            + ANEW,
        ),
        (promise_more, "expected 31 records in {file}; got 30: it is truncated; " + ANEW),
    ],
)
def test_a_damaged_set_names_the_file(toy_set, tmp_path, damage, message):
    folder = tmp_path / "toy/1.0.0"
    damage(folder)
    with pytest.raises(ValueError) as refused:
        read_prepared(toy_set)
    start, _, end = message.format(dir=tmp_path, file=record_file(folder)).partition("*")
    said = str(refused.value)
    assert said.startswith(start)
    assert said.endswith(end)
    assert "\n" not in said


def test_damage_amid_the_records_is_found_when_they_are_read(toy_set, tmp_path):
    train = read_prepared(toy_set).splits["train"]
    with record_file(tmp_path / "toy/1.0.0").open("r+b") as file:
        file.seek(300)
        file.write(b"\xff" * 4_000)
    with pytest.raises(
        ValueError, match=r"expected 30 records in split 'train' of .*/toy/1.0.0; its file is damaged \("
    ):
        train.examples[:]


def test_what_may_not_be_read_is_named(toy_set, tmp_path, monkeypatch):
    file = record_file(tmp_path / "toy/1.0.0")
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda path, mode: Path(path) != file)
        with pytest.raises(
            ValueError, match=f"expected a file that may be read; {file} may not; change its permissions"
        ):
            read_prepared(toy_set)

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", refuse)
        with pytest.raises(ValueError, match=f"expected a folder of data that may be read; {tmp_path} may not; "):
            read_prepared(toy_set)
    monkeypatch.setattr(Path, "read_text", lambda self, *_: refuse(self))
    with pytest.raises(ValueError, match=r"expected a file that may be read; .*/dataset_info.json may not"):
        read_prepared(toy_set)
