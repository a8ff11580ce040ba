"""A preparation that is interrupted, repeated, refused; and the way through TensorFlow."""

import errno
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow_datasets as tfds
from filelock import FileLock
from PIL import Image

from vae_jax.data import DataConfig
from vae_jax.data.prepared.reading import read_prepared
from vae_jax.data.prepared.sets import list_prepared
from vae_jax.prepare import builder, with_tensorflow
from vae_jax.prepare.prepare import prepare, prepare_recipe
from vae_jax.prepare.recipe import Original, Recipe, Source

IMAGE = np.zeros((4, 4), np.uint8)


def examples(num=20, value=0, before=lambda place: None):
    for place in range(num):
        before(place)
        yield {"image": IMAGE + value}


def recipe(read=lambda path: {"train": examples()}, **changes):
    source = Source((Original("toy.bin"),), read, {"train": 20})
    toy = Recipe("toy", "1.0.0", "Made up.", "", lambda kinds: {"image": kinds.Image(shape=(4, 4, 1))}, (source,))
    return replace(toy, **changes)


@pytest.fixture
def toy(tmp_path):
    """`toy(recipe)` prepares it in tmp_path/tfds and returns what was said."""
    (tmp_path / "from").mkdir()
    (tmp_path / "from/toy.bin").write_bytes(b"")

    def run(recipe, overwrite=False) -> list[str]:
        said = []
        options = {"data_dir": tmp_path / "tfds", "from_dir": tmp_path / "from"}
        prepare_recipe(recipe, **options, overwrite=overwrite, say=said.append)
        return said

    return run


def left_in(folder: Path) -> list[str]:
    """What lies there, but empty locks."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def value_of(folder: Path) -> int:
    return int(read_prepared(DataConfig("toy", dir=str(folder))).train.examples[:].max())


def test_what_is_prepared_is_left_alone_unless_it_is_to_be_made_anew(toy, tmp_path):
    folder = tmp_path / "tfds/toy/1.0.0"
    said = toy(recipe())
    assert said[:2] == ["preparing 20 examples of toy", "toy: 10 % written"]
    assert said[-2:] == ["toy: 100 % written", f"toy is prepared in {folder}"]
    other = recipe(lambda path: {"train": examples(value=7)})
    assert toy(other) == [f"toy is prepared in {folder}; --overwrite makes it anew"]
    assert value_of(tmp_path / "tfds") == 0
    toy(other, overwrite=True)
    assert value_of(tmp_path / "tfds") == 7
    assert left_in(tmp_path / "tfds") == sorted(path.name for path in folder.iterdir())


def test_nothing_is_left_in_the_temporary_folder(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    toy(recipe())
    assert list((tmp_path / "temporary").iterdir()) == []


def fail(error):
    def before(place):
        if place == 15:
            raise error

    return lambda path: {"train": examples(before=before)}


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            OSError,
            "no space left in {dir}; free some, or give another folder with --dir",
        ),
        (
            RuntimeError("Failed to write: write() failed: No space left on device; writing x; at byte 3145728"),
            OSError,
            "no space left in {dir}; free some, or give another folder with --dir",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            OSError,
            "expected a folder that may be written; /x may not; give another with --dir",
        ),
        (ValueError("expected a good record"), ValueError, "expected a good record"),
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
    ],
)
@pytest.mark.parametrize("is_there", [False, True])
def test_what_fails_leaves_what_was_there(toy, tmp_path, error, kind, message, is_there):
    if is_there:
        toy(recipe())
    before = left_in(tmp_path / "tfds")
    with pytest.raises(kind) as failed:
        toy(recipe(fail(error)), overwrite=True)
    assert str(failed.value) == message.format(dir=tmp_path / "tfds")
    assert left_in(tmp_path / "tfds") == before
    assert len(list_prepared(tmp_path / "tfds")) == is_there
    toy(recipe(), overwrite=True)
    assert value_of(tmp_path / "tfds") == 0


def test_a_folder_that_may_not_be_made_is_named(toy, tmp_path, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(
        OSError, match=f"expected a folder that may be written; {tmp_path}/tfds/.preparing may not; give"
    ):
        toy(recipe())


def test_fewer_examples_than_there_must_be_are_refused(toy, tmp_path):
    with pytest.raises(ValueError, match="expected 20 train examples of toy; its originals hold 12 train"):
        toy(recipe(lambda path: {"train": examples(12)}))
    assert left_in(tmp_path / "tfds") == []


def test_an_old_set_comes_back_when_the_new_one_cannot_be_put_there(toy, tmp_path, monkeypatch):
    toy(recipe())
    rename = os.replace

    def refuse(source, target):
        if "toy/toy" in str(source):
            raise OSError("the disk is gone")
        rename(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="the disk is gone"):
        toy(recipe(lambda path: {"train": examples(value=7)}), overwrite=True)
    assert value_of(tmp_path / "tfds") == 0


def test_a_killed_preparation_leaves_nothing_that_looks_finished(toy, tmp_path):
    """Killed amid the records; the next preparation clears what is left and succeeds."""
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_prepare import Path, examples, prepare_recipe, recipe

def before(place):
    if place == 15:
        Path({str(tmp_path / "amid")!r}).touch()
        time.sleep(60)

prepare_recipe(recipe(lambda path: {{"train": examples(before=before)}}), data_dir=Path({str(tmp_path / "tfds")!r}),
               from_dir=Path({str(tmp_path / "from")!r}), overwrite=False, say=lambda line: None)
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while not (tmp_path / "amid").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    with pytest.raises(
        ValueError, match=r"expected nobody else to prepare toy in .*; another process does; wait for it"
    ):
        toy(recipe())
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert list_prepared(tmp_path / "tfds") == []
    assert not (tmp_path / "tfds/toy").exists()
    toy(recipe())
    assert value_of(tmp_path / "tfds") == 0
    assert left_in(tmp_path / "tfds") == left_in(tmp_path / "tfds/toy/1.0.0")


def test_two_do_not_prepare_the_same_at_once(toy, tmp_path):
    (tmp_path / "tfds/.preparing").mkdir(parents=True)
    with (
        FileLock(tmp_path / "tfds/.preparing/toy.lock"),
        pytest.raises(ValueError, match="another process does; wait for it"),
    ):
        toy(recipe())


def test_a_package_that_is_missing_is_named_before_anything_is_done(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError) as refused:
        toy(recipe(package="h5py"))
    assert str(refused.value) == (
        "expected h5py for the originals of dsprites; it is not installed; pip install 'vae-jax[dsprites]'"
    )
    assert not (tmp_path / "tfds").exists()


def test_any_tfds_reads_it_by_name(toy, tmp_path):
    toy(recipe())
    source = tfds.data_source("toy", split="train", data_dir=tmp_path / "tfds", download=False)
    assert len(source) == 20
    np.testing.assert_array_equal(source[3]["image"], IMAGE[..., None])


def test_png_is_lossless():
    for shape in ((7, 5), (7, 5, 3)):
        image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(builder.png(image)))), image)


# Without a recipe


def test_without_tensorflow_a_line_says_how_to_get_it(tmp_path):
    with pytest.raises(ValueError) as refused:
        prepare("emnist", data_dir=tmp_path)
    said = str(refused.value)
    assert said.startswith("expected a data set that is prepared without TensorFlow (mnist, fashion_mnist, ")
    assert said.endswith("); got 'emnist'; did you mean 'mnist'?; for TFDS's own: pip install 'vae-jax[tf]'")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_with_tensorflow_tfds_prepares_it_as_array_record(toy, tmp_path, monkeypatch, overwrite):
    toy(recipe())
    calls = []

    def of_tfds(name, **options):
        calls.append((name, options))
        return SimpleNamespace(download_and_prepare=lambda download_config: calls.append(download_config))

    monkeypatch.setattr(with_tensorflow.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(tfds, "builder", of_tfds)
    path = prepare("toy", data_dir=tmp_path / "tfds", from_dir=tmp_path / "from", overwrite=overwrite, say=calls.append)
    assert path == tmp_path / "tfds/toy/1.0.0"
    asked, said, config = calls
    assert asked == ("toy", {"data_dir": str(tmp_path / "tfds"), "file_format": "array_record"})
    assert said == f"TFDS prepares toy in {tmp_path / 'tfds'}"
    assert config.manual_dir == str(tmp_path / "from")
    assert (config.download_mode == tfds.GenerateMode.REUSE_CACHE_IF_EXISTS) == overwrite


def test_a_name_that_tfds_does_not_know(tmp_path, monkeypatch):
    monkeypatch.setattr(with_tensorflow.importlib.util, "find_spec", lambda name: name)
    with pytest.raises(ValueError, match=r"expected a data set that TFDS knows; got 'no_such_set' \(.*\)$"):
        prepare("no_such_set", data_dir=tmp_path, say=lambda line: None)
