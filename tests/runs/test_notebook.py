"""A run in a notebook: one output that changes in place, and runs and data that show themselves."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vae_jax.data import Dataset, Split, load
from vae_jax.files import write_json
from vae_jax.grids import png_bytes
from vae_jax.ranking import RunRecord
from vae_jax.runs import display as displays
from vae_jax.runs import notebook
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.notebook import NUM_VALIDATIONS, Notebook, Output
from vae_jax.runs.shown import run_html
from vae_jax.standard import Vae
from vae_jax.sweeps.shown import sweep_html

HOSTILE = "<script>alert('x')</script>\" onload=\"x"


class Cell:
    """A notebook's cell: what IPython's `display` does, and the contents that an output had one after the other."""

    def __init__(self):
        self.outputs = []

    def display(self, content, *, raw, display_id):
        assert raw
        assert display_id is True
        contents = [content]
        self.outputs.append(contents)
        return SimpleNamespace(update=lambda content, raw: contents.append(content))


@pytest.fixture
def cell():
    return Cell()


def words(html):
    """The text of a page, and no markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def line_of(step, value=-100.0):
    return {"step": step, "value": value}


def test_all_of_a_run_is_one_output_that_changes(cell, monkeypatch):
    monkeypatch.setattr(notebook, "_SECONDS_BETWEEN_CHANGES", 0.0)
    with Notebook(1000, output=Output(cell.display)) as shown:
        shown.say("data: digits")
        shown.validation(line_of(0), is_best=True)
        shown.train(line_of(250, -90.0), 5000.0, 75.0)
        now = words(cell.outputs[0][-1]["text/html"])
        assert now.endswith("250 of 1,000 steps value -90.00 5,000 images/s, 1 min 15 s left")
        shown.validation(line_of(1000, -80.0), is_best=True)
    (contents,) = cell.outputs
    last = contents[-1]["text/html"]
    assert '<progress value="1000" max="1000"' in last
    assert words(last) == (
        "data: digits step validation 0 value -100.00 1000 value -80.00 best so far 1,000 of 1,000 steps"
    )
    assert contents[-1]["text/plain"] == "1,000 of 1,000 steps"


def test_training_is_shown_as_often_as_an_eye_can_follow(cell):
    shown = Notebook(1000, output=Output(cell.display))
    for step in range(500):
        shown.train(line_of(step), None, None)
    assert len(cell.outputs[0]) < 20


def test_of_many_validations_the_last_and_the_best_stay_in_view(cell):
    shown = Notebook(1000, output=Output(cell.display))
    for step in range(100):
        shown.validation(line_of(step), is_best=step <= 3)
    rows = re.findall(r"(\d+) value -100.00( best so far)?", words(cell.outputs[0][-1]["text/html"]))
    assert rows == [("3", " best so far"), *((str(step), "") for step in range(100 - NUM_VALIDATIONS, 100))]


def test_an_error_leaves_the_last_numbers_in_view(cell):
    shown = Notebook(1000, output=Output(cell.display))
    shown.train(line_of(3), None, None)
    shown.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert "value -100.00" in words(cell.outputs[0][-1]["text/html"])


def test_a_notebook_gets_the_display_of_notebooks(monkeypatch, cell):
    monkeypatch.setattr(displays, "in_notebook", lambda: True)
    monkeypatch.setattr(notebook, "_display_of_notebook", lambda: cell.display)
    assert isinstance(displays.display(10), Notebook)
    assert isinstance(displays.display(10, is_shown=False), displays.Silent)
    assert cell.outputs == []


def test_a_run_shows_its_changed_fields_its_numbers_and_its_pictures(tmp_path):
    directory = RunDirectory(tmp_path)
    directory.metrics.write_text('{"step": 40, "split": "train", "value": -1.0}\n')
    config = Vae(beta=4.0, hidden_sizes=(8, 4))
    begun = run_html(directory, HOSTILE, config, 100)
    assert "40 of 100 steps hidden_sizes 8,4 beta 4.0" in words(begun)
    assert '<progress value="40" max="100"' in begun
    assert "<script" not in begun
    assert 'onload="' not in begun
    write_json(directory.evaluation, {"elbo": -101.5, "kl": None, "split": "test", "notes": [HOSTILE]})
    directory.images.mkdir()
    (directory.images / "samples.png").write_bytes(png_bytes(np.zeros((2, 2), np.uint8)))
    done = run_html(directory, "vae", config, 100)
    assert "40 of 100 steps, evaluated on test" in words(done)
    assert "ELBO −101.50 nats" in words(done)
    assert done.count('<img src="data:image/png;base64,') == 1
    assert "<progress" not in done
    assert "<script" not in done


def test_data_show_their_splits_kinds_and_images():
    digits = load("digits")
    html = digits._repr_html_()
    assert "examples 8x8 uint8" in words(html)
    assert "train 1,444 validation 177 test 176" in words(html)
    assert html.count("<img ") == 1
    assert repr(digits) == "Dataset('digits', 1,444 train + 177 validation + 176 test, 8x8 uint8)"
    table = load("auto_mpg")._repr_html_()
    assert "cylinders category 3, 4, 5, 6, 8" in words(table)
    assert "<img" not in table


def test_data_of_several_parts_show_their_images_and_names_are_text():
    parts = {"x": np.zeros((10, 4, 4), np.uint8), "condition": np.zeros(10, np.int32)}
    data = Dataset(HOSTILE, HOSTILE, {"train": Split(parts)}, 255, label_names=(HOSTILE,), drawn=("train",))
    html = data._repr_html_()
    assert "x: 4x4 uint8, condition: int32" in words(html)
    assert html.count("<img ") == 1
    assert "<script" not in html
    wide = Dataset("wide", "", {"train": Split(np.zeros((2, 500), np.float32))}, 1, columns=tuple(map(str, range(500))))
    assert "and 480 more" in words(wide._repr_html_())


def test_a_sweep_shows_its_best_lanes():
    lanes = [
        RunRecord(str(number), {"beta": beta, "seed": 0}, [], {"nll": nll}, "finished")
        for number, (beta, nll) in enumerate([(1.0, 90.0), (4.0, 85.0), (HOSTILE, None)])
    ]
    html = sweep_html(Path("here"), "vae", lanes)
    assert "lane beta nll 1 4.0 85.00 finished 0 1.0 90.00 finished" in words(html)
    assert "<script" not in html
    assert "no lane has begun" in words(sweep_html(Path("here"), "vae", []))
