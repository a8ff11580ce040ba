"""Tables, against the numbers that were written into them and against pandas."""

import re

import numpy as np
import pandas
import pytest

from vae_jax.data import DataConfig, load
from vae_jax.data.files.tables import read_table
from vae_jax.data.values import UnknownMaximum

FLOWERS = pandas.DataFrame(
    {
        "length": np.random.default_rng(0).normal(size=30),
        "petals": np.arange(30) % 6,
        "kind": ["rose", "aster", "lily"] * 10,
        "is_wild": [True, False] * 15,
        "bed": np.arange(30) % 4 + 3,
    }
)
NUMBERS = ["length", "petals", "is_wild", "bed"]


def read(path, **options):
    return read_table(path, DataConfig(str(path), **options))


@pytest.fixture(params=[".csv", ".parquet"])
def flowers(request, tmp_path):
    path = tmp_path / f"flowers{request.param}"
    FLOWERS.to_csv(path, index=False) if request.param == ".csv" else FLOWERS.to_parquet(path)
    return path


@pytest.fixture
def table(tmp_path):
    def write(text, name="mine.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_columns_of_numbers_are_the_examples_and_words_the_labels(flowers):
    data = read(flowers, labels="kind")
    assert (data.name, data.columns, list(data.splits)) == ("flowers", tuple(NUMBERS), ["train"])
    assert isinstance(data.max_value, UnknownMaximum)
    assert data.unit == 1
    assert data.description == f"30 rows of 4 columns from {flowers.name}"
    assert data.train.examples.dtype == np.float32
    np.testing.assert_array_equal(data.train.examples, FLOWERS[NUMBERS].to_numpy(np.float32))
    assert data.label_names == ("aster", "lily", "rose")
    assert [data.label_names[label] for label in data.train.labels] == FLOWERS["kind"].tolist()


def test_columns_are_chosen_by_name_in_the_order_asked_for(flowers):
    data = read(flowers, examples="petals, length", labels="bed")
    assert data.columns == ("petals", "length")
    np.testing.assert_array_equal(data.train.examples, FLOWERS[["petals", "length"]].to_numpy(np.float32))
    np.testing.assert_array_equal(data.train.labels, FLOWERS["bed"])
    assert data.label_names == ()
    assert read(flowers, examples="petals").train.labels is None


@pytest.mark.parametrize("form", ["{}", "{}.0"])
def test_pixels_in_a_table_are_levels_as_in_an_image(table, form):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 4))
    lines = [",".join(["7", *(form.format(value) for value in row)]) for row in pixels]
    data = read(table("\n".join(["label,p0,p1,p2,p3", *lines])), labels="label")
    assert (data.max_value, data.train.examples.dtype) == (255, np.int32)
    np.testing.assert_array_equal(data.train.examples, pixels)
    assert read(data_of_halves := table("a,b\n0.5,300\n"), max_value=400).max_value == 400
    assert isinstance(read(data_of_halves).max_value, UnknownMaximum)


def test_a_table_is_split_by_a_fixed_key(flowers):
    data = load(DataConfig(str(flowers), examples="length"))
    assert [len(data.split(name).examples) for name in ("train", "validation", "test")] == [24, 3, 3]
    np.testing.assert_array_equal(data.split("test").examples[:, 0], FLOWERS["length"][[13, 23, 29]].astype(np.float32))


def test_empty_lines_spaces_and_late_fractions_are_understood(table):
    """The type of a column is not decided by its beginning."""
    rows = 200_000
    path = table(" a ,b\n" + "1,2\n" * rows + "\n1.5,2\n\n")
    data = read(path)
    assert data.columns == ("a", "b")
    assert data.train.examples.shape == (rows + 1, 2)
    assert data.train.examples[-1].tolist() == [1.5, 2]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "expected a table in {}; it cannot be read (Empty CSV file); correct it"),
        ("a,b\n", {}, "expected rows in {}; there are none; put some into it"),
        ("1,2\n3,4\n", {}, "expected the names of the columns in line 1 of {}; it has 1, 2; put a line of names"),
        ("a,b\n1,2\n3\n", {}, "expected 2 values in every line of {}, as there are columns; line 3 has 1; correct it"),
        ("a,b\n1,2\n\n3,4,5\n", {}, "expected 2 values in every line of {}, as there are columns; line 4 has 3"),
        (
            "a,b\n1,2\n\n3,x\n",
            {},
            "expected numbers in column 'b' of {}; line 4 has 'x'; correct it, choose the columns",
        ),
        (
            "a,when\n1,2024-01-02\n",
            {},
            "expected numbers in column 'when' of {}; it is of type date32[day]; choose the columns with "
            "--data.examples, or say that these are the labels with --data.labels",
        ),
        ("a,b\n1,2\n\n3,\n", {}, "expected a value in every row of column 'b' of {}; line 4 has none; fill it in or"),
        ('n,b\n"x\ny",2\nz,nan\n', {"labels": "n"}, "in every row of column 'b' of {}; line 4 has none; fill it in"),
        ("a,b\n1,2\n3,-inf\n", {}, "expected finite numbers in column 'b' of {}; line 3 has -inf; correct it or leave"),
        ("a,b\n1,2\n3,1e60\n", {}, "expected finite numbers in column 'b' of {}; line 3 has 1e+60; correct it"),
        ("a,b\n1,2\n", {"examples": "a,c"}, "expected --data.examples to name columns of {} (a, b); got 'c'"),
        (
            "left,right\n1,2\n",
            {"labels": "rihgt"},
            "expected --data.labels to name columns of {} (left, right); got 'rihgt'; did you mean 'right'?",
        ),
        ("a,b\n1,\n", {"labels": "b"}, "expected a value in every row of column 'b' of {}; line 2 has none"),
        (
            "a,b\n1,1.5\n",
            {"labels": "b"},
            "expected a whole number or a word for each example as labels; column 'b' of",
        ),
        ("a,a\n1,2\n", {}, "expected columns of different names in {}; there are two 'a'; rename one"),
        ("a\n1\n", {"labels": "a"}, "expected columns of examples in {} beside its labels 'a'; there are none"),
        (b"a,b\n1,\xe9\n", {}, "expected numbers in column 'b' of {}; it is of type binary"),
    ],
)
def test_what_is_wrong_is_said_with_column_and_line(table, text, options, message):
    path = table(text)
    with pytest.raises(ValueError, match=re.escape(message.format(path))) as error:
        read(path, **options)
    assert "\n" not in str(error.value)


def test_rows_of_a_parquet_file_are_counted_from_one(tmp_path):
    path = tmp_path / "mine.parquet"
    pandas.DataFrame({"a": [1, 2, None]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"column 'a' of .*; row 3 has n"):
        read(path)


def test_what_is_no_parquet_file_is_named(table):
    path = table("a,b\n1,2\n", "mine.parquet")
    with pytest.raises(ValueError, match=r"expected a Parquet file; \S+mine.parquet is none, or is damaged; write"):
        read(path)
