"""Columns: a value becomes a number and comes back as it was, and a number near to it in the column's kind."""

import json
from typing import Any

import numpy as np
import pytest

from vae_jax.data import Dataset, Split, described
from vae_jax.data.columns import Column, column_from, decode, encode, likelihood_kinds, record_of

TOWNS = np.array(["Köln", 'Bad "Ems", a. d. Lahn', "Bonn", "Bonn"], object)
VALUES = {
    "height": np.array([1.7, 0.1, 1e-30, 3.0], np.float32).astype(np.float64),
    "weight": np.array([1e9 + 0.25, 1e9 + 0.5, 1e9 + 0.75, 1e9]),
    "visits": np.array([3, -4, 0, 70_000]),
    "serial": 2**40 + np.array([3, 6, 9, 12]),
    "smokes": np.array([0, 1, 1, 0]),
    "is_wild": np.array([True, False, False, True]),
    "town": TOWNS,
    "day": np.array(["2024-01-31", "1969-02-28", "2024-02-01", "2001-01-01"], "datetime64[D]"),
    "at": np.datetime64("2024-01-31T10:00:00", "s") + 3 * np.arange(4),
    "tick": np.datetime64("2024-01-31T10:00:00", "ms") + np.arange(4),
}
COLUMNS, ROWS = described(VALUES)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_values_come_back_as_they_were(column):
    values = VALUES[column.name]
    numbers = encode(column, values)
    assert numbers.dtype == np.float32
    back = decode(column, numbers)
    assert back.tolist() == values.tolist()
    assert column_from(json.loads(json.dumps(record_of(column)))) == column


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_what_a_model_draws_is_of_the_kind_and_within_the_bounds(column):
    """Whole numbers whole, categories by name, dates as dates, and nothing beyond the ends of the table."""
    values = VALUES[column.name]
    drawn = np.random.default_rng(0).normal(0, 1e6, 200).astype(np.float32)
    back = decode(column, drawn)
    assert back.dtype.kind == values.dtype.kind
    if column.values:
        assert set(back.tolist()) <= set(values.tolist())
    else:
        assert (back.min(), back.max()) == (values.min(), values.max())


def test_kinds_and_what_they_are_modelled_by():
    kinds = ["real", "real", "whole", "whole", "yes/no", "yes/no", "category", "date", "date", "date"]
    assert [column.kind for column in COLUMNS] == kinds
    modelled = ["continuous"] * 4 + ["binary"] * 2 + [3] + ["continuous"] * 3
    assert likelihood_kinds(COLUMNS) == tuple(modelled)
    assert likelihood_kinds((Column("visits", "count"),)) == ("count",)


def test_only_numbers_that_float32_would_merge_are_kept_as_differences():
    origins = {column.name: column.origin for column in COLUMNS}
    assert origins["height"] == origins["visits"] == 0
    assert (origins["weight"], origins["serial"]) == (1e9, 2**40 + 3)
    assert ROWS[:, 1].tolist() == [0.25, 0.5, 0.75, 0]


def test_a_number_between_two_codes_is_the_nearer_one():
    town = COLUMNS[6]
    assert decode(town, np.array([-3, 0.4, 0.6, 9.0])).tolist() == [town.values[i] for i in (0, 0, 1, 2)]


def test_a_column_in_words():
    assert Column("mpg").in_words() == "mpg (real)"
    assert Column("origin", "category", ("USA", "Japan")).in_words() == "origin (USA, Japan)"
    assert Column("code", "category", tuple(range(12))).in_words() == "code (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array(["a", None], object), "expected a value in every row of column 'a' of the table; row 2 has None"),
        (
            np.array(["2024-01-01", "NaT"], "datetime64[D]"),
            "expected a value in every row of column 'a'.*row 2 has NaT",
        ),
        (np.array([1.0, np.nan]), "expected finite numbers in column 'a' of the table; row 2 has nan"),
        (np.array([1j]), "expected numbers, words or dates in column 'a' of the table; it is of type complex128"),
    ],
)
def test_values_of_no_kind_are_refused_with_their_row(values, message):
    with pytest.raises(ValueError, match=message):
        described({"a": values})


def test_a_category_of_fractions_holds_finite_ones():
    assert described({"a": np.array([0.5, 1.5])}, {"a": "category"})[0][0].values == (0.5, 1.5)
    with pytest.raises(ValueError, match="expected finite numbers in column 'a'"):
        described({"a": np.array([0.5, np.nan])}, {"a": "category"})


def test_the_columns_of_a_data_set_may_be_named_alone_and_its_summary_names_them():
    splits = {"train": Split(np.zeros((1, 2), np.float32), np.zeros(1, int))}
    columns: Any = ("a", Column("b", "count"))
    data = Dataset("mine", "", splits, 1, columns=columns, label_names=("lily", "rose"))
    assert data.columns == (Column("a"), Column("b", "count"))
    summary = data.summary()
    assert (summary["columns"], summary["classes"]) == (["a (real)", "b (count)"], ["lily", "rose"])
    wide = Dataset(
        "wide", "", {"train": Split(np.zeros((1, 50), np.float32))}, 1, columns=tuple(Column(str(i)) for i in range(50))
    )
    assert wide.summary()["columns"][39:] == ["39 (real)", "and 10 more"]
