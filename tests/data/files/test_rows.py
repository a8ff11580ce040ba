"""Rows that are written are read as the same values: awkward names, awkward words, every digit."""

import csv

import numpy as np
import pyarrow.parquet
import pytest

from vae_jax.data import DataConfig, described
from vae_jax.data.columns import Column, encode
from vae_jax.data.files.rows import values_of, write_rows
from vae_jax.data.files.tables import read_table
from vae_jax.messages import UsageError

DRAWN = np.random.default_rng(0).normal(size=4)
VALUES = {
    "height": DRAWN.astype(np.float32),
    "height, in cm": (1e9 + DRAWN * 1e-3),
    'the "big" one': np.array([1e-38, -0.1, 16777216, 1 / 3], np.float32),
    "two\nlines": np.array([3, -4, 0, 70_000]),
    "1": np.array([0, 1, 1, 0]),
    "is_wild": np.array([True, False, False, True]),
    "town; quarter\t": np.array(["NA", 'Bad "Ems",\na. d. Lahn', "null", "é;"], object),
    "day": np.array(["2024-01-31", "1969-02-28", "2024-02-01", "2001-01-01"], "datetime64[D]"),
    "at": np.datetime64("2024-01-31T10:00:00", "s") + 3 * np.arange(4),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_come_back_exactly_through_the_reader(tmp_path, suffix):
    columns, rows = described(VALUES)
    path = tmp_path / f"rows{suffix}"
    write_rows(path, values_of(columns, rows))
    data = read_table(path, DataConfig(str(path)))
    assert [column.name for column in data.columns] == [name.strip() for name in VALUES]
    assert [column.kind for column in data.columns] == [column.kind for column in columns]
    assert [column.values for column in data.columns] == [column.values for column in columns]
    np.testing.assert_array_equal(data.train.examples, rows)


def test_rows_are_written_for_people_too(tmp_path):
    columns, rows = described({"a": np.array([0.1, 2.5]), "b": np.array(["x", "y"]), "c": np.array([7, 9])})
    write_rows(tmp_path / "rows.csv", values_of(columns, rows))
    assert (tmp_path / "rows.csv").read_text("utf-8") == '"a","b","c"\n0.1,"x",7\n2.5,"y",9\n'


def test_names_that_are_numbers_come_back(tmp_path):
    columns, rows = described({"1": np.array([0.5]), "2": np.array([1.5])})
    write_rows(tmp_path / "rows.csv", values_of(columns, rows))
    assert [c.name for c in read_table(tmp_path / "rows.csv", DataConfig(str(tmp_path / "rows.csv"))).columns] == [
        "1",
        "2",
    ]


def test_the_csv_module_reads_the_same_words(tmp_path):
    columns, rows = described(VALUES)
    write_rows(tmp_path / "rows.csv", values_of(columns, rows))
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        names, *lines = csv.reader(file)
    assert names == list(VALUES)
    assert [line[6] for line in lines] == VALUES["town; quarter\t"].tolist()
    assert [float(line[1]) for line in lines] == values_of(columns, rows)["height, in cm"].tolist()


def test_parquet_has_the_types_of_the_kinds(tmp_path):
    columns, rows = described(VALUES)
    write_rows(tmp_path / "rows.parquet", values_of(columns, rows))
    types = pyarrow.parquet.read_schema(tmp_path / "rows.parquet").types
    words = ["float", "double", "float", "int64", "int64", "bool", "string", "date32[day]", "timestamp[ms]"]
    assert list(map(str, types)) == words


def test_numbers_of_a_diverged_model_are_not_written():
    with pytest.raises(UsageError, match="expected finite numbers in column 'b' of the rows; the model gives others"):
        values_of((Column("a"), Column("b", "category", (1, 2))), np.array([[0.0, np.nan]]))


def test_digits_survive_a_second_reading(tmp_path):
    """Values that are kept as differences have more digits than float32."""
    column = described({"a": VALUES["height, in cm"]})[0][0]
    path = tmp_path / "rows.csv"
    write_rows(path, {"a": VALUES["height, in cm"]})
    again = read_table(path, DataConfig(str(path)))
    assert again.columns == (column,)
    np.testing.assert_array_equal(again.train.examples[:, 0], encode(column, VALUES["height, in cm"]))
