"""The kinds of sources, and files that are none."""

import re
from pathlib import Path

import numpy as np
import pytest

from vae_jax.data import DataConfig, load
from vae_jax.data.source import as_begun


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "x.h5",
            "is an HDF5 file; read it by h5py.File in data(config) of an experiment file, for vj.data.from_object",
        ),
        ("x.HDF5", "is an HDF5 file; read it by h5py.File"),
        ("x.mat", "is a MATLAB file; read it by scipy.io.loadmat"),
        (
            "x.pkl",
            "is a pickle, which may run any code when it is opened, so it is not; if you trust",
        ),
        ("x.pt", "is a pickle, which may run any code"),
        ("x.xlsx", "is a spreadsheet; save it as .csv"),
        ("x.zip", "is an archive; unpack it"),
        ("x.png", "is a single image; name its folder"),
        ("x.foo", "is a .foo file; read it by its own reader in data(config) of an experiment file"),
    ],
)
def test_a_file_that_is_not_read_is_refused_with_what_to_do(tmp_path, name, said):
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'touch /tmp/opened'\ntR.")
    with pytest.raises(ValueError) as raised:
        load(str(tmp_path / name))
    start = f"expected a folder of images, or a file (.npy, .npz, .csv, .parquet); {tmp_path / name} "
    assert str(raised.value).startswith(start + said)
    assert "\n" not in str(raised.value)


def test_relative_paths_are_meant_in_the_folder_of_the_beginning(tmp_path, monkeypatch):
    begun, here = tmp_path / "begun", tmp_path / "here"
    for folder in (begun, here):
        folder.mkdir()
    np.save(begun / "x.npy", np.zeros((20, 4, 4), np.uint8))
    monkeypatch.chdir(here)
    assert load(as_begun(DataConfig("x.npy"), begun)).train.examples.shape == (16, 4, 4)
    assert as_begun(DataConfig("x.npy"), here) == DataConfig("x.npy")  # moved: it may lie here
    assert as_begun(DataConfig("digits"), Path("/")) == DataConfig("digits")
    assert as_begun(DataConfig(str(begun / "x.npy")), here) == DataConfig(str(begun / "x.npy"))
    (begun / "digits").mkdir()
    assert as_begun(DataConfig("digits", dir="digits"), begun) == DataConfig("digits", dir=str(begun / "digits"))


def test_the_home_folder_may_be_written_as_a_shell_does(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "x.npy", np.zeros((20, 4, 4), np.uint8))
    assert load("~/x.npy").train.examples.shape == (16, 4, 4)
    with pytest.raises(ValueError, match=r"there is none at ~nobody-here/x\.npy"):
        load("~nobody-here/x.npy")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "mine.npy",
            {"labels": "y"},
            "expected no --data.labels for {}; it is for a prepared set, .npz",
        ),
        ("mine.npy", {"examples": "x"}, "expected no --data.examples for {}; it is for "),
        (
            "mine.npy",
            {"image_size": 8},
            "expected no --data.image-size for {}; it is for a folder of images al",
        ),
        ("mine.csv", {"colour": "grey"}, "expected no --data.colour for {}; it is for a folder of images alone"),
        ("", {"separator": ";"}, "expected no --data.separator for {}; it is for .csv alone; leave it out"),
    ],
)
def test_an_option_of_other_sources_is_refused(tmp_path, name, options, message):
    np.save(tmp_path / "mine.npy", np.zeros((20, 8), np.uint8))
    (tmp_path / "mine.csv").write_text("a,b\n" + "1,2\n" * 20)
    path = str(tmp_path / name)
    with pytest.raises(ValueError, match=re.escape(message.format(path))):
        load(DataConfig(path, **options))
