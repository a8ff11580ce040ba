"""A folder of images, against Pillow and numpy by hand."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vae_jax.data import DataConfig, load
from vae_jax.data.files.images import read_images


def pixels(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return array


def read(path, **options):
    return read_images(path, DataConfig(str(path), **options))


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "photos"


def test_images_are_sorted_by_name_and_other_files_are_ignored(folder):
    expected = [write(folder / name, pixels(index, 6, 5)) for index, name in enumerate(["a.png", "b.PNG", "c.bmp"])]
    (folder / "README.txt").write_text("Mine.")
    (folder / ".hidden.png").write_text("no image")
    data = read(folder)
    assert (data.name, list(data.splits), data.max_value) == ("photos", ["train"], 255)
    assert data.description == "3 grey images of 5x6 pixels from a folder; left out: 1 .txt"
    assert data.train.labels is None
    assert data.train.examples.dtype == np.uint8
    np.testing.assert_array_equal(data.train.examples[:], expected)


def test_rows_are_decoded_as_from_an_array_in_any_order_and_after_pickling(folder):
    expected = np.stack([write(folder / f"{index:02}.png", pixels(index, 4, 4, 3)) for index in range(11)])
    examples = pickle.loads(pickle.dumps(read(folder).train.examples))
    assert examples.shape == expected.shape
    assert len(examples) == 11
    for rows in (slice(None), slice(2, 9, 3), slice(3, 3), np.array([10, 0, 3, 3, -1]), np.array([], int)):
        np.testing.assert_array_equal(examples[rows], expected[rows])


def test_folders_are_classes(folder):
    for index, name in enumerate(["dog/b.png", "cat/a.png", "cat/more/c.png"]):
        write(folder / name, pixels(index, 4, 4))
    (folder / "empty").mkdir()
    data = read(folder)
    assert data.label_names == ("cat", "dog")
    np.testing.assert_array_equal(data.train.labels, [0, 0, 1])
    np.testing.assert_array_equal(data.train.examples[:], [pixels(1, 4, 4), pixels(2, 4, 4), pixels(0, 4, 4)])


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "validation", "test"),
        ("Train", "Valid", "Test"),
        ("training", "VAL", "testing"),
        ("TRAIN", "dev", "test"),
    ],
)
def test_folders_with_the_names_of_splits_are_splits(folder, train, validation, test):
    names = [f"{train}/cat/a.png", f"{train}/dog/b.png", f"{validation}/dog/a.png", f"{test}/owl/a.png"]
    for index, name in enumerate(names):
        write(folder / name, pixels(index, 4, 4))
    (folder / "empty").mkdir()
    write(folder / "__MACOSX" / "a.png", pixels(0, 2, 2))
    assert {*read(folder).splits} == {"train", "validation", "test"}
    data = load(str(folder))
    assert data.label_names == ("cat", "dog", "owl")
    assert {name: split.labels.tolist() for name, split in data.splits.items()} == {
        "train": [0, 1],
        "validation": [1],
        "test": [2],
    }
    np.testing.assert_array_equal(data.split("validation").examples, [pixels(2, 4, 4)])


def test_train_and_test_alone_are_no_classes(folder):
    for index in range(10):
        write(folder / "Train" / f"{index}.png", pixels(index, 4, 4))
    write(folder / "Test" / "a.png", pixels(10, 4, 4))
    data = load(str(folder))
    assert {name: len(split.examples) for name, split in data.splits.items()} == {
        "train": 9,
        "validation": 1,
        "test": 1,
    }
    assert (data.train.labels, data.label_names, data.drawn) == (None, (), ("validation",))
    np.testing.assert_array_equal(data.split("test").examples, [pixels(10, 4, 4)])
    (folder / "labels.csv").touch()
    (folder / "Test" / "b.avif").touch()
    assert read(folder).description.endswith("; left out: 1 .avif, 1 .csv")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["Train/a.png", "test/b.png", "cat/c.png", "dog/d.png"],
            "expected folders of splits or of classes in {0}; got splits (Train, test) beside cat, dog; move",
        ),
        (["val/a.png", "Valid/b.png"], "expected one folder for each split in {0}; got Valid, val; join those"),
    ],
)
def test_a_mixture_of_splits_is_refused_with_what_was_seen(folder, names, message):
    for name in names:
        write(folder / name, pixels(0, 4, 4))
    with pytest.raises(ValueError) as raised:
        read(folder)
    assert str(raised.value).startswith(message.format(folder))


def test_files_that_are_not_read_are_counted_by_their_endings(folder):
    write(folder / "cat" / "a.png", pixels(0, 4, 4))
    for name in ("cat/b.HEIC", "c.heic", "notes.txt", "Makefile", ".hidden"):
        (folder / name).touch()
    assert read(folder).description.endswith("from a folder; left out: 2 .heic, 1 without an ending, 1 .txt")
    (folder / "cat" / "a.png").unlink()
    with pytest.raises(ValueError, match=r"there are none, but 2 \.heic, 1 without an ending, 1 \.txt; put"):
        read(folder)


@pytest.mark.parametrize("suffix", ["gif", "tiff", "webp", "png"])
def test_a_file_of_several_pages_or_frames_is_refused(folder, suffix):
    """Only the first of them would be learned."""
    frames = [Image.fromarray(pixels(index, 8, 8)) for index in range(3)]
    folder.mkdir()
    frames[0].save(folder / f"a.{suffix}")
    assert len(read(folder).train.examples) == 1
    frames[0].save(folder / f"b.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(
        ValueError, match=rf"expected one image in each file; .*b\.{suffix} has several pages or frames"
    ):
        read(folder)


def test_a_pipe_with_the_name_of_an_image_is_refused_and_not_waited_for(folder):
    write(folder / "a.png", pixels(0, 4, 4))
    os.mkfifo(folder / "b.png")
    with pytest.raises(ValueError, match=r"expected an image; .*b\.png is a pipe or a device; remove it"):
        read(folder)


def test_one_folder_is_split_by_a_fixed_key(folder):
    for index in range(20):
        write(folder / f"{index:02}.png", np.full((2, 2), index, np.uint8))
    data = load(str(folder))
    assert data.split("validation").examples[:, 0, 0].tolist() == [7, 16]
    assert data.split("test").examples[:, 0, 0].tolist() == [5, 14]


@pytest.mark.parametrize(
    ("colours", "colour", "shape"),
    [
        ("grey", "stored", (4, 4)),
        ("grey", "rgb", (4, 4, 3)),
        ("both", "stored", (4, 4, 3)),
        ("both", "grey", (4, 4)),
        ("rgb", "grey", (4, 4)),
    ],
)
def test_colour_is_as_stored_or_as_asked_for(folder, colours, colour, shape):
    shapes = {"grey": [(4, 4)] * 2, "both": [(4, 4), (4, 4, 3)], "rgb": [(4, 4, 3)] * 2}[colours]
    for index, stored in enumerate(shapes):
        write(folder / f"{index}.png", pixels(index, *stored))
    examples = read(folder, colour=colour).train.examples
    assert examples.shape == (2, *shape)
    for image, stored in zip(examples[:], [pixels(index, *stored) for index, stored in enumerate(shapes)], strict=True):
        if stored.ndim == image.ndim:
            np.testing.assert_array_equal(image, stored)
        elif image.ndim == 3:
            np.testing.assert_array_equal(image, np.repeat(stored[..., None], 3, axis=-1))
        else:
            np.testing.assert_allclose(image, stored @ [0.299, 0.587, 0.114], atol=1)


def test_what_is_transparent_lies_on_white(folder):
    colour, opacity = pixels(0, 4, 4, 3), pixels(1, 4, 4, 1)
    write(folder / "a.png", np.concatenate([colour, opacity], axis=-1))
    expected = (colour * (opacity / 255.0) + 255 * (1 - opacity / 255.0))[None]
    np.testing.assert_allclose(read(folder).train.examples[:], expected, atol=1)


def test_grey_with_opacity_is_grey(folder):
    write(folder / "a.png", np.stack([np.full((4, 4), 100, np.uint8), np.full((4, 4), 0, np.uint8)], axis=-1))
    np.testing.assert_array_equal(read(folder).train.examples[:], np.full((1, 4, 4), 255))


def test_a_palette_is_looked_up(folder):
    folder.mkdir()
    image = Image.fromarray(pixels(0, 4, 4, 3)).quantize(8)
    image.save(folder / "a.png")
    image.save(folder / "b.png", transparency=0)
    opaque, with_hole = read(folder).train.examples[:]
    np.testing.assert_array_equal(opaque, np.asarray(image.convert("RGB")))
    hole = np.asarray(image) == 0
    np.testing.assert_array_equal(with_hole, np.where(hole[..., None], 255, opaque))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_all_16_bits_are_kept_and_the_largest_of_the_set_becomes_one(folder, suffix):
    levels = np.random.default_rng(0).integers(0, 2**12, (2, 4, 4), dtype=np.uint16)  # 12 bits of data
    for name, image in zip("ab", levels, strict=True):
        write(folder / f"{name}{suffix}", image)
    data = read(folder)
    assert (data.train.examples.dtype, data.max_value) == (np.uint16, levels.max())
    assert data.values.endswith(f"the largest of the set, {levels.max()}, becomes 1")
    np.testing.assert_array_equal(data.train.examples[:], levels)
    assert read(folder, max_value=4_095).max_value == 4_095
    resized = read(folder, image_size=2)
    assert (resized.train.examples.dtype, resized.example_shape) == (np.uint16, (2, 2))
    np.testing.assert_allclose(resized.train.examples[:].mean(), levels.mean(), rtol=0.1)


def test_images_of_8_and_of_16_bits_have_one_white(folder):
    write(folder / "a.png", np.array([[0, 255]], np.uint8))
    write(folder / "b.png", np.array([[0, 65_535]], np.uint16))
    np.testing.assert_array_equal(read(folder).train.examples[:], [[[0, 65_535]]] * 2)
    write(folder / "c.png", np.zeros((1, 2, 3), np.uint8))
    with pytest.raises(
        ValueError, match=r"expected images of 8 bits to read in colour; .*b.png is grey in 16 bits; giv"
    ):
        read(folder)
    assert read(folder, colour="grey").train.examples.dtype == np.uint16


def test_an_option_says_the_largest_value_of_images(folder):
    levels = write(folder / "a.png", pixels(0, 4, 4) // 2)
    data = read(folder, max_value=127)
    assert (data.max_value, data.train.examples.dtype) == (127, np.uint8)
    np.testing.assert_array_equal(data.train.examples[:], [levels])
    with pytest.raises(
        ValueError, match=r"expected values in \[0, 100\] in .*photos, by --data.max-value 100; it holds"
    ):
        read(folder, max_value=100)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_exif_orientation_turns_the_image(folder, suffix):
    turned = Image.Exif()
    turned[0x0112] = 6  # to be looked at a quarter clockwise
    stored = write(
        folder / f"a{suffix}", pixels(0, 4, 6, 3), exif=turned, **{".webp": {"lossless": True}}.get(suffix, {})
    )
    data = read(folder)
    assert data.example_shape == (6, 4, 3)
    np.testing.assert_array_equal(data.train.examples[:], [np.rot90(stored, -1)])


def test_images_are_cropped_in_the_middle_and_resized_without_aliases(folder):
    wide = write(folder / "a.png", pixels(0, 40, 60, 3))
    write(folder / "b.png", np.tile(np.array([[0, 255], [255, 0]], np.uint8), (30, 20))[..., None].repeat(3, -1))
    data = read(folder, image_size=10)
    assert data.description == "2 coloured images of 10x10 pixels from a folder, cropped in the middle and resized"
    first, second = data.train.examples[:]
    np.testing.assert_array_equal(first, Image.fromarray(wide[:, 10:50]).resize((10, 10), Image.Resampling.BICUBIC))
    assert np.abs(second.astype(float) - 127.5).max() < 20  # a chequerboard of pixels becomes grey


def test_images_of_the_size_asked_for_stay_as_they_are(folder):
    stored = write(folder / "a.png", pixels(0, 8, 8))
    np.testing.assert_array_equal(read(folder, image_size=8).train.examples[:], [stored])


def junk(folder):
    write(folder / "a.png", pixels(0, 4, 4))
    (folder / "b.png").write_text("hello")


def mixed(folder):
    write(folder / "a.png", pixels(0, 28, 28))
    write(folder / "b.png", pixels(0, 20, 30))


def empty(folder):
    folder.mkdir()
    (folder / "README.txt").write_text("Mine.")


def empty_split(folder):
    write(folder / "train" / "a.png", pixels(0, 4, 4))
    (folder / "test").mkdir()


def beside_classes(folder):
    write(folder / "a.png", pixels(0, 4, 4))
    write(folder / "cat" / "b.png", pixels(0, 4, 4))


def beside_splits(folder):
    write(folder / "a.png", pixels(0, 4, 4))
    write(folder / "train" / "b.png", pixels(0, 4, 4))


def many_bits(folder):
    write(folder / "a.tif", np.zeros((4, 4), np.float32))


def no_file(folder):
    folder.mkdir()
    (folder / "a.png").symlink_to(folder / "nowhere.png")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (junk, "expected an image; {}/b.png is none that Pillow knows; replace or remove it"),
        (
            mixed,
            "expected images of one size in {0}; {0}/b.png is 30x20 and {0}/a.png 28x28; give --data.image-size 28",
        ),
        (
            empty,
            "expected images (.png, .jpg, .jpeg, .bmp, .gif, .tif, .tiff, .webp, .pgm, .ppm) in {}; there are none",
        ),
        (empty_split, ".ppm) in {}/test; there are none"),
        (
            beside_classes,
            "expected images either in {0} or in folders of it, one a class; {0}/a.png lies beside {0}/cat/b.png; move",
        ),
        (
            beside_splits,
            "expected images inside of the splits' folders of {0} (train); {0}/a.png lies beside them; move",
        ),
        (many_bits, "expected images of 8 or 16 bits; {}/a.tif has 32; save it with 8, or give"),
        (no_file, "expected an image that can be read; {}/a.png cannot (No such file or directory); replace or remove"),
    ],
)
def test_what_is_wrong_is_said_when_the_folder_is_opened(folder, make, message):
    make(folder)
    with pytest.raises(ValueError) as error:
        read(folder)
    assert message.format(folder) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_size_below_one_is_refused(folder):
    mixed(folder)
    with pytest.raises(ValueError, match=r"expected --data.image-size of at least 1; got 0"):
        read(folder, image_size=0)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".gif", ".tif"])
def test_a_file_that_ends_early_is_named_when_it_is_read(folder, suffix):
    for name in "abcdef":
        write(folder / f"{name}{suffix}", pixels(0, 64, 64))
    damaged = folder / f"d{suffix}"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    with pytest.raises(ValueError) as error:
        read(folder).train.examples[:]
    assert str(damaged) in str(error.value)
    assert str(error.value).endswith("; replace or remove it")
    assert "\n" not in str(error.value)


def test_a_file_that_was_changed_meanwhile_is_named(folder):
    write(folder / "a.png", pixels(0, 4, 4))
    examples = read(folder).train.examples
    for other in (pixels(0, 5, 5), pixels(0, 4, 4).astype(np.uint16)):
        write(folder / "a.png", other)
        with pytest.raises(
            ValueError,
            match=r"expected an image of shape \(4, 4\) in uint8, as when its folder was opened; .*a.png has",
        ):
            examples[:]
