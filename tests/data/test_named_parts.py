"""Every source gives what it holds beside the examples as parts of them, by name or path."""

import numpy as np
import pytest
from PIL import Image

from vae_jax.data import DataConfig, load

LABELS = np.arange(30) % 3
IMAGES = np.random.default_rng(0).integers(0, 256, (30, 6, 5)).astype(np.uint8)


def parts_of(config):
    dataset = load(config)
    return dataset.train.examples[:], dataset


def test_labels_of_an_embedded_set():
    parts, dataset = parts_of(DataConfig("digits", parts="condition=label"))
    assert set(parts) == {"x", "condition"}
    np.testing.assert_array_equal(parts["condition"], dataset.train.labels)
    np.testing.assert_array_equal(parts["x"], load("digits").train.examples)


def test_factors_of_drawn_shapes():
    dataset = load(DataConfig("shapes", parts="label"))
    rows = np.array([5, 2])
    np.testing.assert_array_equal(dataset.train.examples[rows]["label"], dataset.train.labels[rows])


def test_classes_of_a_folder(tmp_path):
    for index, image in enumerate(IMAGES):
        (tmp_path / f"class_{LABELS[index]}").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / f"class_{LABELS[index]}" / f"{index:02}.png")
    parts, dataset = parts_of(DataConfig(str(tmp_path), parts="kind=label"))
    np.testing.assert_array_equal(parts["kind"], dataset.train.labels)
    assert dataset.label_names == ("class_0", "class_1", "class_2")


def test_arrays_of_an_npz_file(tmp_path):
    lengths, known = np.arange(30) * 100, np.random.default_rng(1).random((30, 6, 5)) < 0.5
    weights = np.linspace(-5, 900, 30)
    path = tmp_path / "own.npz"
    np.savez(path, images=IMAGES, labels=LABELS, lengths=lengths, known=known, weights=weights)
    parts, _ = parts_of(DataConfig(str(path), parts="condition=label, lengths, mask=known, weights"))
    chosen = np.delete(np.arange(30), [5, 13, 18, 23, 26, 29])
    assert {name: (values.dtype.name, values.shape) for name, values in parts.items()} == {
        "x": ("uint8", (24, 6, 5)),
        "condition": ("int32", (24,)),
        "lengths": ("int32", (24,)),
        "mask": ("bool", (24, 6, 5)),
        "weights": ("float32", (24,)),
    }
    np.testing.assert_array_equal(parts["lengths"], lengths[chosen])
    np.testing.assert_array_equal(parts["mask"], known[chosen])


def test_arrays_of_an_npz_file_by_split(tmp_path):
    path = tmp_path / "own.npz"
    halves = {"x_train": IMAGES[:20], "x_test": IMAGES[20:], "length_train": LABELS[:20], "length_test": LABELS[20:]}
    np.savez(path, **halves)
    dataset = load(DataConfig(str(path), parts="length"))
    np.testing.assert_array_equal(dataset.split("test").examples[:]["length"], LABELS[20:])


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "own.csv"
    rows = [f"{row},{row / 2},{row % 2},{1 - row % 2},{'abc'[row % 3]}" for row in range(30)]
    path.write_text("\n".join(["a,b,known_a,known_b,kind", *rows]))
    return path


def test_columns_of_a_table(table):
    parts, dataset = parts_of(DataConfig(str(table), parts="mask=known_a+known_b,kind"))
    assert [column.name for column in dataset.columns] == ["a", "b"]
    assert parts["x"].shape == (24, 2)
    np.testing.assert_array_equal(parts["mask"], np.stack([parts["x"][:, 0] % 2, 1 - parts["x"][:, 0] % 2], axis=1))
    np.testing.assert_array_equal(parts["kind"], parts["x"][:, 0] % 3)
    numbers, dataset = parts_of(DataConfig(str(table), parts="weight=b", labels="kind"))
    assert [column.name for column in dataset.columns] == ["a", "known_a", "known_b"]
    np.testing.assert_array_equal(numbers["weight"], numbers["x"][:, 0] / 2)


def test_features_of_a_prepared_set(prepare_set, tmp_path):
    def features(kinds):
        tensor = kinds.Tensor(shape=(2,), dtype=np.float64)
        inner = {"Smiling": kinds.Scalar(np.bool_), "age": kinds.Scalar(np.int64)}
        words = kinds.Text()
        return {"image": kinds.Image(shape=(6, 5, 1)), "place": tensor, "attributes": inner, "words": words}

    records = [
        {
            "image": image,
            "place": np.array([row, -row], np.float64),
            "attributes": {"Smiling": bool(row % 2), "age": row},
            "words": "some",
        }
        for row, image in enumerate(IMAGES)
    ]
    prepare_set("toy", {"train": records, "test": records[:5], "validation": records[:5]}, features)
    config = DataConfig("toy", dir=str(tmp_path), parts="place, smiles=attributes/Smiling, attributes/age")
    parts, _ = parts_of(config)
    # TFDS shuffles what it writes; every part is of the same record.
    np.testing.assert_array_equal(parts["place"][:, 0], parts["attributes/age"])
    np.testing.assert_array_equal(parts["smiles"], parts["attributes/age"] % 2 == 1)
    np.testing.assert_array_equal(parts["x"], IMAGES[parts["attributes/age"]])
    assert {name: values.dtype.name for name, values in parts.items()} == {
        "x": "uint8",
        "place": "float32",
        "smiles": "bool",
        "attributes/age": "int32",
    }
    for named, message in (
        ("plaice", r"expected --data.parts to name a feature of toy \(attributes, image, place, words\); got 'plaice'"),
        ("attributes/old", r"expected --data.parts to name a feature of toy \(Smiling, age\); got 'attributes/old'"),
        ("attributes", "expected numbers of one shape for --data.parts; 'attributes' of toy is a FeaturesDict"),
        ("words", "expected numbers of one shape for --data.parts; 'words' of toy is a Text"),
    ):
        with pytest.raises(ValueError, match=message):
            load(DataConfig("toy", dir=str(tmp_path), parts=named))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("x=label", "expected --data.parts as names with commas between, .*none called x; got 'x=label'"),
        ("a=label,a=label", "each once and none called x; got 'a=label,a=label'"),
        ("=label", "expected --data.parts as names with commas between"),
        ("mask", "expected 'label' in --data.parts, all that digits has beside its examples; got 'mask'"),
    ],
)
def test_parts_are_named_once_and_are_there(parts, message):
    with pytest.raises(ValueError, match=message):
        load(DataConfig("digits", parts=parts))


def test_what_a_file_does_not_hold_is_said(tmp_path, table):
    np.save(tmp_path / "own.npy", IMAGES)
    np.savez(tmp_path / "own.npz", images=IMAGES, words=np.array(["a"] * 30))
    for name, parts, message in (
        ("own.npy", "mask", "expected an .npz file for --data.parts mask; .*own.npy holds a single array"),
        ("own.npy", "label", "expected labels in own for --data.parts label; split 'train' has none"),
        ("own.npz", "mask", "expected --data.parts to name an array of .*own.npz, .*; got 'mask'"),
        ("own.npz", "words", "expected numbers in 'words' of .*own.npz for --data.parts; got <U1"),
        ("own.csv", "kind,known_c", "expected --data.parts to name columns of .*own.csv .*; got 'known_c'"),
        ("own.csv", "m=a+b+known_a+known_b,kind", "expected columns of examples in .*beside its labels and parts"),
    ):
        with pytest.raises(ValueError, match=message):
            load(DataConfig(str(tmp_path / name), parts=parts))
