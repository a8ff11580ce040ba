"""`vae-jax data show`: what it prints, and the picture."""

import re

import numpy as np
import pytest
from PIL import Image

from vae_jax.cli.data_lines import data_lines
from vae_jax.cli.data_show import Show
from vae_jax.cli.parser import parse_command
from vae_jax.data import Dataset, Split, described, load
from vae_jax.messages import UsageError


@pytest.fixture
def show(tmp_path, monkeypatch, capsys):
    """What is printed for some arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        assert parse_command(Show, [str(argument) for argument in arguments], "data show").run() == 0
        return capsys.readouterr().out.splitlines()

    return run


def row(printed, name):
    (line,) = [line for line in printed if re.match(rf"{re.escape(name)}  ", line)]
    return line.removeprefix(name).split()


def test_splits_classes_and_a_picture(show, tmp_path):
    printed = show("digits")
    data = load("digits")
    scaled = data.scaled()
    assert printed[0] == f"digits: {data.description}"
    assert printed[1] == "an example: 8x8, uint8"
    assert "mean and sd are of value / 16, which models see" in printed
    assert row(printed, "train") == ["1,444", "0", "16", f"{scaled.mean():.4f}", f"{scaled.std():.4f}"]
    assert [row(printed, name)[0] for name in ("validation", "test")] == ["177", "176"]
    assert row(printed, "7") == [str((split.labels == 7).sum()) for split in data.splits.values()]
    assert printed[-1] == "picture: digits.png"
    assert [path.name for path in tmp_path.iterdir()] == ["digits.png"]
    assert Image.open(tmp_path / "digits.png").size == (8 * 8 + 7 * 2, 8 * 8 + 7 * 2)


def test_the_picture_is_of_examples_and_goes_where_it_is_asked_for(show, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 3), dtype=np.uint8)
    np.save(tmp_path / "mine.npy", images)
    parts = ("--train", "train[:10]", "--validation", "train[10:12]", "--test", "train[12:]")
    show("./mine.npy", "--out", tmp_path / "sheet.png", "--num", 1, *parts)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "sheet.png")), images[0])


def test_a_table_has_numbers_for_each_column_and_no_picture(show, tmp_path):
    printed = show("breast_cancer")
    values = load("breast_cancer").train.examples[:, 0]
    expected = [f"{value:.4g}" for value in (values.min(), values.max(), values.mean(), values.std())]
    assert row(printed, "mean radius") == ["real", *expected]
    assert row(printed, "train") == ["457"]
    assert row(printed, "1 benign") == ["287", "35", "35"]
    assert list(tmp_path.iterdir()) == []


def test_columns_are_told_in_their_kinds():
    columns, rows = described(
        {
            "town": np.array(["Bonn", "Ulm"]),
            "day": np.array(["2024-01-01", "2024-01-03"], "datetime64[D]"),
            "serial": np.array([2**40, 2**40 + 2]),
        }
    )
    lines = data_lines(Dataset("toy", "", {"train": Split(rows)}, 1, columns=columns))
    assert [line.split() for line in lines[-3:]] == [
        ["town", "category", "Bonn", "Ulm"],
        ["day", "date", "2024-01-01", "2024-01-03", "2024-01-02", "1", "days"],
        ["serial", "whole", "1099511627776", "1099511627778", "1.1e+12", "1"],
    ]


def test_what_was_assumed_of_the_values_is_said(show, tmp_path):
    np.save(tmp_path / "mine.npy", np.arange(170).reshape(10, 17) % 17)
    assert show("./mine.npy")[2] == (
        "values: whole numbers from 0 to 16, kept as they are; --max-value N says which becomes 1"
    )
    assert show("./mine.npy", "--max-value", "16")[2] == (
        "values: whole numbers from 0 to 16, of which 16 becomes 1, by --max-value 16"
    )


def test_many_classes_are_summed_up_and_factors_named():
    examples = np.zeros((60, 2), np.uint8)
    many = Dataset("toy", "", {"train": Split(examples, np.arange(60) // 2 % 29)}, 1)
    assert data_lines(many)[-1] == "labels: 29, with 2 to 4 examples each"
    factors = Dataset("toy", "", {"train": Split(examples, np.zeros((60, 2), int))}, 1, factor_names=("x", "y"))
    assert data_lines(factors)[-1] == "factors: x, y"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["breast_cancer", "--out", "a.png"],
            "expected images, .* to draw; breast_cancer has examples of shape (30,);",
        ),
        (["digits", "--out", "a.jpg"], "expected a .png file to write to; got a.jpg"),
        (["digits", "--out", "nowhere/a.png"], "expected a folder that exists; "),
        (["digits", "--num", "0"], "expected --num of at least 1; got 0"),
        (["digits", "--train", "tarin"], "expected a split of digits"),
    ],
)
def test_what_cannot_be_drawn_is_refused(show, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message.replace("(30,)", r"\(30,\)")):
        show(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_hints_name_the_options_of_this_command(show, tmp_path):
    (tmp_path / "photos").mkdir()
    for index in range(10):
        Image.new("L", (4 + index % 2, 4)).save(tmp_path / f"photos/{index}.png")
    with pytest.raises(UsageError, match=r"; give --image-size 4$"):
        show("./photos")
    assert "an example: 4x4, uint8" in show("./photos", "--image-size", "4")
    assert (tmp_path / "photos.png").is_file()


@pytest.mark.parametrize("feed", ["memory", "stream"])
def test_a_damaged_image_is_named_however_it_is_fed(show, tmp_path, feed):
    (tmp_path / "photos").mkdir()
    for index in range(10):
        Image.effect_noise((32, 32), 50).save(tmp_path / f"photos/{index}.png")
    content = (tmp_path / "photos/7.png").read_bytes()
    (tmp_path / "photos/7.png").write_bytes(content[:-200])
    with pytest.raises(UsageError, match=r"photos/7.png cannot .*; replace or remove it"):
        show("./photos", "--feed", feed)


def test_a_name_is_needed(show):
    with pytest.raises(UsageError, match=r"^expected one NAME\|PATH behind 'data show'; got none; 'vae-jax data show"):
        show()
