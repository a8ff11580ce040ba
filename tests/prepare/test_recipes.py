"""Every recipe, on small originals in the published format, and on real ones where they are at hand."""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vae_jax.data import DataConfig
from vae_jax.data.prepared.reading import read_prepared
from vae_jax.prepare.builder import png
from vae_jax.prepare.prepare import prepare, prepare_recipe
from vae_jax.prepare.recipe import Recipe
from vae_jax.prepare.recipes import RECIPES
from vae_jax.prepare.recipes.mnist import images_with_labels
from vae_jax.prepare.recipes.photographs import cropped

RANDOM = np.random.default_rng(0)


def pixels(*shape, max_value=255):
    return RANDOM.integers(0, max_value + 1, shape).astype(np.uint8)


def labels(num, classes=10):
    return (np.arange(num) % classes).astype(np.uint8)


def idx(array):
    return gzip.compress(b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes())


def mat(**arrays):
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, arrays)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def tar(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def jpeg(image):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG")
    return file.getvalue()


# Each gives (files, what is to be read: by split, the images and, where there are some, the labels, in order).


def idx_files():
    train, test = pixels(12, 28, 28), pixels(5, 28, 28)
    files = {
        "train-images-idx3-ubyte.gz": idx(train),
        "train-labels-idx1-ubyte.gz": idx(labels(12)),
        "t10k-images-idx3-ubyte.gz": idx(test),
        "t10k-labels-idx1-ubyte.gz": idx(labels(5)),
    }
    return files, {"train": (train, labels(12)), "test": (test, labels(5))}


def amat_files():
    splits = {name: pixels(num, 28, 28, max_value=1) for name, num in (("train", 7), ("valid", 4), ("test", 3))}
    files = {}
    for name, images in splits.items():
        lines = [" ".join(map(str, image.ravel())) for image in images]
        files[f"binarized_mnist_{name}.amat"] = "\n".join([*lines, ""]).encode()
    return files, {
        "train": (splits["train"], None),
        "validation": (splits["valid"], None),
        "test": (splits["test"], None),
    }


def burda_files():
    train, test = pixels(6, 28, 28), pixels(4, 28, 28)

    def columns(images):
        return np.stack([image.ravel(order="F") / 255 for image in images], axis=1)

    one_hot = np.eye(50)
    files = {
        "chardata.mat": mat(
            data=columns(train), target=one_hot[:, :6], testdata=columns(test), testtarget=one_hot[:, 10:14]
        )
    }
    return files, {"train": (train, np.arange(6)), "test": (test, np.arange(10, 14))}


def lake_files():
    files, expected = {}, {}
    for split, name, first in (("train", "images_background", 0), ("test", "images_evaluation", 30)):
        ink = pixels(4, 7, 7, max_value=1)  # fifteen times as large: a block of 15x15 is four of 28 to seven of 105
        drawings = [np.kron(1 - image, np.ones((15, 15), bool)).astype(bool) for image in ink]
        names = [
            f"{name}/{path}.png"
            for path in (
                "Greek/character01/1_01",
                "Greek/character01/1_02",
                "Greek/character02/2_01",
                "Latin/character01/3_01",
            )
        ]
        files[f"{name}.zip"] = zipped(
            {path: png(drawing) for path, drawing in zip(names[::-1], drawings[::-1], strict=True)}
        )
        large = 255 * np.stack([np.kron(image, np.ones((4, 4), np.uint8)) for image in ink])
        expected[split] = (large, first + np.array([0, 0, 0, 1]))
    return files, expected


def cifar_files():
    images, numbers = pixels(24, 32, 32, 3), labels(24)
    records = [
        bytes([number]) + image.transpose(2, 0, 1).tobytes() for image, number in zip(images, numbers, strict=True)
    ]
    batches = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    members = {
        f"cifar-10-batches-bin/{name}.bin": b"".join(records[4 * i : 4 * i + 4]) for i, name in enumerate(batches)
    }
    return {"cifar-10-binary.tar.gz": tar(members)}, {
        "train": (images[:20], numbers[:20]),
        "test": (images[20:], numbers[20:]),
    }


def svhn_files(names=("train", "test", "extra")):
    files, expected = {}, {}
    for num, name in zip((8, 3, 5), names, strict=False):
        images, numbers = pixels(num, 32, 32, 3), 1 + labels(num)
        files[f"{name}_32x32.mat"] = mat(X=images.transpose(1, 2, 3, 0), y=numbers[:, None])
        expected[name] = (images, numbers % 10)
    return files, expected


def frey_files():
    images = pixels(9, 28, 20)
    return {"frey_rawface.mat": mat(ff=images.reshape(9, -1).T)}, {"train": (images, None)}


def olivetti_files():
    images = pixels(30, 64, 64)
    columns = np.stack([image.ravel(order="F") for image in images], axis=1)
    return {"olivettifaces.mat": mat(faces=columns)}, {"train": (images, np.arange(30) // 10)}


def lfw_files():
    photographs = [jpeg(pixels(250, 250, 3)) for _ in range(3)]
    names = ["Ada/Ada_0001", "Ada/Ada_0002", "Bo/Bo_0001"]
    members = {f"lfw/{name}.jpg": photograph for name, photograph in zip(names, photographs, strict=True)}
    return {"lfw.tgz": tar(members)}, {"train": (np.stack([cropped(each, 128) for each in photographs]), None)}


def celeb_a_files():
    photographs = [jpeg(pixels(218, 178, 3)) for _ in range(6)]
    names = [f"{number:06}.jpg" for number in range(1, 7)]
    files = {
        "img_align_celeba.zip": zipped(
            {f"img_align_celeba/{name}": photograph for name, photograph in zip(names, photographs, strict=True)}
        ),
        "list_eval_partition.txt": "".join(
            f"{name} {part}\n" for name, part in zip(names, (0, 2, 0, 1, 0, 2), strict=True)
        ).encode(),
    }
    small = np.stack([cropped(photograph, 148) for photograph in photographs])
    return files, {"train": (small[[0, 2, 4]], None), "validation": (small[[3]], None), "test": (small[[1, 5]], None)}


def dsprites_files():
    h5py = pytest.importorskip("h5py")
    images, factors = pixels(20, 64, 64, max_value=1), RANDOM.integers(0, 3, (20, 6))
    file = io.BytesIO()
    with h5py.File(file, "w") as content:
        content["imgs"], content["latents/classes"], content["latents/values"] = images, factors, factors / 3
    names = ["orientation", "scale", "shape", "x_position", "y_position"]
    order = [["shape", "scale", "orientation", "x_position", "y_position"].index(name) for name in names]
    return {"dsprites_ndarray_co1sh3sc6or40x32y32_64x64.hdf5": file.getvalue()}, {
        "train": (images, factors[:, 1:][:, order])
    }


FORMATS: list[tuple[str, int, Callable]] = [
    ("mnist", 0, idx_files),
    ("fashion_mnist", 0, idx_files),
    ("kmnist", 0, idx_files),
    ("binarized_mnist", 0, amat_files),
    ("omniglot_28", 0, burda_files),
    ("omniglot_28", 1, lake_files),
    ("cifar10", 0, cifar_files),
    ("svhn_cropped", 0, svhn_files),
    ("svhn_cropped", 1, lambda: svhn_files(("train", "test"))),
    ("frey_faces", 0, frey_files),
    ("olivetti_faces", 0, olivetti_files),
    ("lfw", 0, lfw_files),
    ("celeb_a", 0, celeb_a_files),
    ("dsprites", 0, dsprites_files),
]


def for_small(recipe: Recipe, place: int, files: dict[str, bytes], expected: dict) -> Recipe:
    """A recipe that expects other originals: their checksums and numbers instead of the published ones."""
    source = recipe.sources[place]
    originals = tuple(
        each._replace(sha256=hashlib.sha256(files[each.name]).hexdigest() if each.sha256 else "")
        for each in source.originals
    )
    small = source._replace(
        originals=originals,
        splits={split: len(images) for split, (images, _) in expected.items()},
        pixels_sha256=source.pixels_sha256
        and hashlib.sha256(b"".join(images.tobytes() for images, _ in expected.values())).hexdigest(),
    )
    return replace(recipe, sources=(*recipe.sources[:place], small, *recipe.sources[place + 1 :]))


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def in_some_order(images, labels):
    rows = zip(images, labels if labels is not None else [0] * len(images), strict=True)
    return sorted((image.tobytes(), np.asarray(label).tolist()) for image, label in rows)


@pytest.mark.parametrize(("name", "place", "make"), FORMATS)
def test_small_originals_are_prepared_as_they_are(tmp_path, name, place, make):
    files, expected = make()
    recipe = for_small(RECIPES[name], place, files, expected)
    path = prepare_recipe(
        recipe, data_dir=tmp_path / "tfds", from_dir=lay(tmp_path / "from", files), overwrite=False, say=print
    )
    assert path == tmp_path / "tfds" / name / recipe.sources[place].config / recipe.version
    dataset = read_prepared(DataConfig(name, dir=str(tmp_path / "tfds")))
    assert set(dataset.splits) == set(expected)
    for split, (images, numbers) in expected.items():
        examples, stored = dataset.splits[split]
        assert (stored is None) == (numbers is None)
        assert in_some_order(examples[:], None if stored is None else stored[:]) == in_some_order(images, numbers)
    assert dataset.max_value == (1 if name in ("binarized_mnist", "dsprites") else 255)


def test_every_recipe_has_a_small_original():
    assert {name for name, _, _ in FORMATS} == set(RECIPES)


def test_every_download_has_an_address_and_a_checksum_of_file_or_pixels():
    for recipe in RECIPES.values():
        source = recipe.published
        assert source.pixels_sha256 or all(len(original.sha256) == 64 for original in source.originals), recipe.name


def test_tfds_has_the_same_addresses_and_checksums():
    """Ours are copied by hand; TFDS's lie in its package."""
    import tensorflow_datasets

    folder = Path(tensorflow_datasets.__file__).parent
    known = {}
    for path in [*folder.glob("url_checksums/*.txt"), *folder.glob("datasets/*/checksums.tsv")]:
        rows = (line.split("\t") for line in path.read_text().splitlines())
        known |= {row[0]: (int(row[1]), row[2]) for row in rows if len(row) >= 3}
    originals = {original for recipe in RECIPES.values() for source in recipe.sources for original in source.originals}
    published = {original for original in originals if original.url}
    missing = {original.name for original in published if original.url not in known}
    assert missing == {"frey_rawface.mat", "olivettifaces.mat"}
    for original in published:
        if original.url in known:
            assert (original.size, original.sha256) == known[original.url], original.name


# What is wrong with originals


def test_missing_originals_are_named_with_their_addresses(tmp_path):
    files, _ = idx_files()
    del files["t10k-labels-idx1-ubyte.gz"]
    folder = lay(tmp_path / "from", files)
    with pytest.raises(ValueError) as refused:
        prepare("mnist", data_dir=tmp_path / "tfds", from_dir=folder)
    assert str(refused.value) == (
        f"expected the originals of mnist in {folder}; missing: t10k-labels-idx1-ubyte.gz "
        "(https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz); lay them there"
    )
    with pytest.raises(
        ValueError, match=f"expected a folder with the originals of mnist; there is none at {tmp_path}/no"
    ):
        prepare("mnist", data_dir=tmp_path / "tfds", from_dir=tmp_path / "no")


def test_another_file_of_that_name_is_refused(tmp_path):
    files, _ = idx_files()
    folder = lay(tmp_path / "from", files)
    with pytest.raises(
        ValueError, match=r"train-images-idx3-ubyte.gz with SHA-256 440fcabf.*; it is truncated or another"
    ):
        prepare("mnist", data_dir=tmp_path / "tfds", from_dir=folder)


def test_a_subfolder_of_the_set_s_name_goes_before_others(tmp_path):
    files, expected = idx_files()
    lay(tmp_path / "from", {})
    lay(tmp_path / "from/a_fashion", dict.fromkeys(files, b"another"))
    lay(tmp_path / "from/mnist", files)
    recipe = for_small(RECIPES["mnist"], 0, files, expected)
    assert prepare_recipe(recipe, data_dir=tmp_path, from_dir=tmp_path / "from", overwrite=False, say=print).is_dir()


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("mnist", "train-images-idx3-ubyte.gz", b"no", "expected a gzipped IDX file; {path} is not one"),
        (
            "mnist",
            "train-images-idx3-ubyte.gz",
            gzip.compress(b"\0\0\x08\x03" + bytes(12) + b"x", mtime=0),
            "expected an IDX file of bytes; {path} has another header, or another length than that says",
        ),
        (
            "binarized_mnist",
            "binarized_mnist_valid.amat",
            b"0 2\n",
            "expected lines of 784 zeros and ones, one space between; {path} has something else",
        ),
    ],
)
def test_a_bad_record_leaves_nothing(tmp_path, name, file, content, message):
    files, expected = idx_files() if name == "mnist" else amat_files()
    files[file] = content
    folder = lay(tmp_path / "from", files)
    with pytest.raises(ValueError) as refused:
        prepare_recipe(
            for_small(RECIPES[name], 0, files, expected),
            data_dir=tmp_path / "tfds",
            from_dir=folder,
            overwrite=False,
            say=print,
        )
    assert str(refused.value).startswith(message.format(path=folder / file))
    assert not [path for path in (tmp_path / "tfds").rglob("*") if path.suffix != ".lock" and path.name != ".preparing"]


@pytest.mark.parametrize(
    ("name", "file", "content", "arrays"),
    [
        ("omniglot_28", "chardata.mat", mat(data=np.eye(3)), "data, target, testdata, testtarget"),
        ("frey_faces", "frey_rawface.mat", b"<html>", "ff"),
        ("frey_faces", "frey_faces.npz", b"", "images"),
        ("olivetti_faces", "olivetti_faces.npz", npz(images=np.eye(3))[:-30], "images"),
    ],
)
def test_a_file_without_the_arrays_is_named(tmp_path, name, file, content, arrays):
    folder = lay(tmp_path / "from", {file: content})
    with pytest.raises(ValueError) as refused:
        prepare(name, data_dir=tmp_path / "tfds", from_dir=folder)
    assert str(refused.value).startswith(f"expected the arrays {arrays} in {folder / file}; it cannot be read (")
    assert str(refused.value).endswith("); lay a whole one there")
    assert "\n" not in str(refused.value)


def test_other_pixels_are_refused(tmp_path):
    folder = lay(tmp_path / "from", {"frey_faces.npz": npz(images=pixels(1965, 28, 20))})
    with pytest.raises(
        ValueError, match=r"expected the images of frey_faces to have SHA-256 2438ba4f.*; the file holds other"
    ):
        prepare("frey_faces", data_dir=tmp_path / "tfds", from_dir=folder)
    assert not (tmp_path / "tfds/frey_faces").exists()


def test_another_number_of_examples_is_refused(tmp_path):
    files, _ = burda_files()
    with pytest.raises(ValueError) as refused:
        prepare("omniglot_28", data_dir=tmp_path / "tfds", from_dir=lay(tmp_path / "from", files))
    assert (
        str(refused.value)
        == "expected 24,345 train, 8,070 test examples of omniglot_28; its originals hold 6 train, 4 test"
    )
    assert not (tmp_path / "tfds/omniglot_28").exists()


# Real originals


def test_mnist_is_the_official_preparation_record_by_record(tmp_path, shared_data):
    """Its test split: TFDS shuffles by the place in the originals, so even the order is the same."""
    source = RECIPES["mnist"].sources[0]
    test_only = source._replace(
        originals=source.originals[2:],
        read=lambda images, numbers: {"test": images_with_labels(images, numbers)},
        splits={"test": 10_000},
    )
    recipe = replace(RECIPES["mnist"], sources=(test_only,))
    prepare_recipe(recipe, data_dir=tmp_path, from_dir=shared_data / "raw", overwrite=False, say=print)
    ours, official = (read_prepared(DataConfig("mnist", dir=str(each))) for each in (tmp_path, shared_data / "tfds"))
    for one, other in zip(ours.splits["test"], official.splits["test"], strict=True):
        np.testing.assert_array_equal(one[:], other[:])
    assert ours.label_names == official.label_names


@pytest.mark.parametrize("name", ["frey_faces", "olivetti_faces"])
def test_real_faces(tmp_path, shared_data, name):
    prepare(name, data_dir=tmp_path, from_dir=shared_data / "npz")
    split = read_prepared(DataConfig(name, dir=str(tmp_path))).splits["train"]
    with np.load(shared_data / f"npz/{name}.npz") as arrays:
        numbers = arrays.get("labels")
        assert in_some_order(split.examples[:], None if numbers is None else split.labels[:]) == in_some_order(
            arrays["images"], numbers
        )
