"""A fingerprint differs where the data do, is the same wherever they lie, and reads few of many rows."""

from dataclasses import replace

import numpy as np
import pytest

from vae_jax.data import Shapes, shapes
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Part
from vae_jax.data.place import place
from vae_jax.data.splits import arrange

ROWS = np.arange(120, dtype=np.float32).reshape(40, 3)
LABELS = np.arange(40) % 2


def dataset(rows=ROWS, labels=LABELS, **options):
    options = {"columns": ("a", "b", "c"), "label_names": ("cat", "dog"), "max_value": 1} | options
    return arrange(Dataset("toy", "Made up.", splits={"train": Split(rows, labels)}, **options))


def changed(array, row, value):
    array = array.copy()
    array[row] = value
    return array


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        ({}, set()),
        ({"rows": changed(ROWS, 0, 7)}, {"split train"}),
        ({"rows": changed(ROWS, 39, 7)}, {"split train"}),
        ({"rows": changed(ROWS, 4, 7)}, {"split test"}),
        ({"labels": changed(LABELS, 13, 0)}, {"split validation"}),
        ({"labels": None}, {"split train", "split validation", "split test"}),
        ({"columns": ("a", "d", "c")}, {"columns"}),
        ({"columns": ()}, {"columns"}),
        ({"label_names": ("dog", "cat")}, {"classes"}),
        ({"max_value": 255}, {"largest value"}),
        ({"rows": ROWS[:39], "labels": LABELS[:39]}, {"split train", "split validation", "split test"}),
        ({"rows": ROWS.astype(np.int32)}, {"examples", "split train", "split validation", "split test"}),
        ({"rows": ROWS.reshape(40, 1, 3)}, {"examples"}),
    ],
)
def test_what_differs_is_what_was_changed(other, differing):
    now, then = dataset(**other).fingerprint, dataset().fingerprint
    assert {name for name in {*now, *then} if now.get(name) != then.get(name)} == differing


def test_it_is_the_same_in_every_version_and_process():
    """Runs keep it: where this changes, every earlier run is refused."""
    assert dataset().fingerprint == {
        "examples": "float32 of (3,)",
        "largest value": "1",
        "columns": "3 (a, b, c), checksum 13e228567e8249fc",
        "classes": "2 (cat, dog), checksum a5bc326e89cbe03e",
        "split train": "32 examples, checksum f5cb0670b527dd97",
        "split validation": "4 examples, checksum 99976f4c66fd1220",
        "split test": "4 examples, checksum de834c50eb4d434b",
    }


def test_streamed_examples_have_the_fingerprint_of_those_in_memory():
    lazy = dataset(Part(ROWS, range(40)), Part(LABELS, range(40)))
    assert place(lazy, "stream").fingerprint == place(lazy, "memory").fingerprint == dataset().fingerprint


def test_a_part_of_an_example_counts():
    both = dataset({"x": ROWS, "known": LABELS}, columns=())
    other = dataset({"x": ROWS, "known": changed(LABELS, 0, 1)}, columns=())
    assert both.fingerprint["examples"] == "['known'] int64 of (), ['x'] float32 of (3,)"
    assert both.fingerprint["split train"] != other.fingerprint["split train"]
    assert both.fingerprint["split test"] == other.fingerprint["split test"]


class Many:
    """10^7 images that note which of them are read."""

    shape = (10**7, 28, 28)
    dtype = np.dtype(np.uint8)

    def __init__(self):
        self.read = []

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        self.read += rows.tolist()
        return np.zeros((len(rows), 28, 28), np.uint8)


def test_of_many_rows_the_first_the_last_and_a_spread_sample_are_read():
    examples = Many()
    data = Dataset("many", "Made up.", {"train": Split(examples)}, max_value=255)
    assert data.fingerprint["split train"].startswith("10,000,000 examples, checksum ")
    assert 4_096 <= len(examples.read) <= 4_098
    assert (examples.read[0], examples.read[-1]) == (0, 10**7 - 1)
    counts, _ = np.histogram(examples.read, bins=10, range=(0, 10**7))
    assert counts.min() > 350


def test_pixels_that_a_device_computes_are_not_read_and_their_factors_are(monkeypatch):
    """Two devices may round them differently."""
    drawn = shapes()
    monkeypatch.delattr(Shapes, "__getitem__")
    assert drawn.fingerprint["examples"] == "uint8 of (64, 64)"
    assert drawn.fingerprint["split train"].startswith("589,824 examples, checksum ")
    train = Split(drawn.train.examples, np.zeros((589_824, 5), np.int32))
    other = replace(drawn, splits={**drawn.splits, "train": train}).fingerprint
    assert {name for name in other if other[name] != drawn.fingerprint[name]} == {"split train"}
