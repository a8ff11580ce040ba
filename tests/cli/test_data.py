"""`vae-jax data`: lists without waiting for JAX, preparations, and one line for what is wrong."""

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vae_jax.cli.arguments import DATA_COMMANDS
from vae_jax.data.embedded import EMBEDDED
from vae_jax.prepare.recipe import Original, Recipe, Source
from vae_jax.prepare.recipes import RECIPES


@pytest.fixture
def toy(monkeypatch, tmp_path) -> Path:
    """A recipe called `toy`; returns the folder of its originals."""

    def examples(path):
        return {"train": [{"image": np.full((4, 4), place, np.uint8)} for place in range(12)]}

    source = Source((Original("toy.bin", "https://example.org/toy.bin"),), examples, {"train": 12})
    kinds = lambda features: {"image": features.Image(shape=(4, 4, 1))}
    monkeypatch.setitem(RECIPES, "toy", Recipe("toy", "1.0.0", "Made up.", "", kinds, (source,)))
    folder = tmp_path / "from"
    folder.mkdir()
    (folder / "toy.bin").touch()
    return folder


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_help_names_every_command(vae_jax, arguments):
    result = vae_jax("data", *arguments)
    assert (result.code, result.err) == (0, "")
    assert "usage: vae-jax data COMMAND" in result.out
    assert all(f"\n  {name} " in result.out for name in DATA_COMMANDS)


@pytest.mark.parametrize("name", DATA_COMMANDS)
def test_every_command_has_help(vae_jax, name):
    result = vae_jax("data", name, "--help")
    assert result.code == 0
    assert f"usage: vae-jax data {name}" in result.out


def test_an_unknown_command(refusal):
    commands = ", ".join(DATA_COMMANDS)
    assert (
        refusal("data", "prepar") == f"expected a command of 'data' ({commands}); got 'prepar'; did you mean 'prepare'?"
    )


def test_what_is_prepared_is_listed(vae_jax, toy, tmp_path):
    directory = tmp_path / "tfds"
    result = vae_jax("data", "prepare", "toy", "--from", toy, "--dir", directory)
    path = directory / "toy/1.0.0"
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("preparing 12 examples of toy\ntoy: 10 % written\n")
    assert result.out.endswith(f"toy: 100 % written\ntoy is prepared in {path}\n")
    again = vae_jax("data", "prepare", "toy", "--from", toy, "--dir", directory)
    assert again == (0, f"toy is prepared in {path}; --overwrite makes it anew\n", "")
    assert vae_jax("data", "prepare", "toy", "--from", toy, "--dir", directory, "--overwrite").code == 0

    (directory / "bad/1.0.0").mkdir(parents=True)
    (directory / "bad/1.0.0/dataset_info.json").write_text("{")
    result = vae_jax("data", "list", "--dir", directory)
    assert (result.code, result.err) == (0, "")
    embedded, prepared, recipes = (group.splitlines() for group in result.out.split("\n\n"))
    assert [line.split()[0] for line in embedded] == ["embedded:", *EMBEDDED]
    assert prepared[0] == f"prepared in {directory}:"
    assert prepared[1].split()[:2] == ["bad", "1.0.0"]
    assert "dataset_info.json is damaged" in prepared[1]
    assert prepared[2].split() == ["toy", "1.0.0", str(path), "train", "12"]
    assert [line.split()[0] for line in recipes[1:]] == list(RECIPES)
    assert "storage.googleapis.com, 12 MB" in recipes[1]


def test_the_directory_of_tfds_is_the_default(vae_jax, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "sets"))
    assert f"prepared in {tmp_path / 'sets'}:\n  none\n" in vae_jax("data", "list").out


def test_the_list_does_not_wait_for_jax(tmp_path):
    code = (
        f"import sys; from vae_jax.cli.main import main; main(['data', 'list', '--dir', {str(tmp_path)!r}])\n"
        "assert not {'jax', 'sklearn', 'tensorflow_datasets'} & set(sys.modules)"
    )
    start = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
    assert time.monotonic() - start < 5  # half a second on an idle machine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("nonsense",),
            r"expected a data set that is prepared without TensorFlow \(mnist, .*\); got 'nonsense'; for TFDS's",
        ),
        (
            ("mnist", "--from", "{from}"),
            r"expected the originals of mnist in .*; missing: train-images-idx3-ubyte.gz \(",
        ),
        (("mnist", "--from", "{from}/no"), r"expected a folder with the originals of mnist; there is none at .*/no"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(refusal, toy, tmp_path, arguments, message):
    arguments = [each.format(**{"from": toy}) for each in arguments]
    assert re.match(message, refusal("data", "prepare", *arguments, "--dir", tmp_path / "tfds"))
    assert not (tmp_path / "tfds").exists()


def test_a_download_that_fails_is_a_line(refusal, monkeypatch, tmp_path):
    source = RECIPES["mnist"].sources[0]
    lost = tuple(each._replace(url=f"http://127.0.0.1:9/{each.name}") for each in source.originals)
    monkeypatch.setitem(RECIPES, "mnist", replace(RECIPES["mnist"], sources=(source._replace(originals=lost),)))
    line = refusal("data", "prepare", "mnist", "--dir", tmp_path, code=1)
    assert line.startswith(
        "no connection to http://127.0.0.1:9/train-images-idx3-ubyte.gz; lay train-images-idx3-ubyte.gz, "
    )
    assert line.endswith(" in a folder DIR and give it: vae-jax data prepare mnist --from DIR")
