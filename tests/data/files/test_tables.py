"""Tables, against the numbers that were written into them and against pandas."""

import re

import numpy as np
import pandas
import pytest

from vae_jax.data import DataConfig, load, standardise
from vae_jax.data.columns import decode
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


def names(data):
    return [column.name for column in data.columns]


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
    assert (data.name, names(data), list(data.splits)) == ("flowers", NUMBERS, ["train"])
    assert isinstance(data.max_value, UnknownMaximum)
    assert data.unit == 1
    assert data.description == f"30 rows of 4 columns from {flowers.name}"
    assert data.train.examples.dtype == np.float32
    np.testing.assert_array_equal(data.train.examples, FLOWERS[NUMBERS].to_numpy(np.float32))
    assert data.label_names == ("aster", "lily", "rose")
    assert [data.label_names[label] for label in data.train.labels] == FLOWERS["kind"].tolist()


def test_columns_are_chosen_by_name_in_the_order_asked_for(flowers):
    data = read(flowers, examples="petals, length", labels="bed")
    assert names(data) == ["petals", "length"]
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
    assert names(data) == ["a", "b"]
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
            "expected numbers in column 'b' of {}; line 4 has 'x'; correct it, or leave the column",
        ),
        (
            "a,when\n1,10:30\n",
            {},
            "expected numbers, words or dates in column 'when' of {}; it is of type time32[s]; choose the columns with "
            "--data.examples, or say that these are the labels with --data.labels",
        ),
        ("a,b\n1,2\n\n3,\n", {}, "expected a value in every row of column 'b' of {}; line 4 has none; fill it in or"),
        ('n,b\n"x\ny",2\nz,nan\n', {"labels": "n"}, "in every row of column 'b' of {}; line 4 has none; fill it in"),
        (
            "a,b\n1,2\n3,-inf\n",
            {},
            "expected finite numbers in column 'b' of {}; line 3 has -inf; correct it, or",
        ),
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
        ("n,b\nx,1\n,2\n", {"labels": "n"}, "expected a value in every row of column 'n' of {}; line 3 has none; fill"),
        ('n,b\nx,1\n" ",2\n', {"labels": "n"}, "expected a value in every row of column 'n' of {}; line 3 has none"),
        ("n,b\nx,1\nNA,2\n", {"labels": "n"}, "expected a value in every row of column 'n' of {}; line 3 has none"),
        (
            "a,,b\n1,5,2\n3,9,4\n",
            {},
            "expected a name for every column of {}; column 2 has none; name it, or",
        ),
        ("Unnamed: 0,b\n7,2\n3,4\n", {}, "expected a name for every column of {}; column 1 has none; name it, or"),
        (
            "a;b\n1,5;2,5\n",
            {},
            "expected ',' between the names in line 1 of {}; it has semicolons; give --data.separator ';'",
        ),
        ("a, cm;b\n1,5;2\n", {}, "expected ',' between the names in line 1 of {}; it has semicolons; give"),
        ("a\tb\n1\t2\n", {}, "expected ',' between the names in line 1 of {}; it has tabs; give --data.separator tab"),
        ("a,b\n1,2\n", {"separator": ";"}, "expected ';' between the names in line 1 of {}; it has commas; give"),
        (
            "a;b\n1,5;2\n2,25;3\n",
            {"separator": ";"},
            "expected numbers with a point in column 'a' of {}; line 2 has '1,5'; give --data.decimal ,",
        ),
        (
            "a,b\n1,2\n",
            {"separator": "::"},
            "expected --data.separator as one character other than the decimal .",
        ),
        ("a,b\n1,2\n", {"decimal": ","}, "expected --data.separator as one character other than the decimal ,, or tab"),
        (b"a,\xe9\n1,2\n", {}, "expected UTF-8 in line 1 of {}; it is none; save the file as UTF-8"),
        ("a,b\n1,x\n2,x\n", {}, "expected two values or more in column 'b' of {}, which is category; it has x; leave"),
        ("a,b\n1,2\n", {"kinds": "c=whole"}, "to name columns of the examples of {}; got 'c'"),
        ("a,b\n1,2\n", {"kinds": "b=wole"}, "got 'wole'; did you mean 'whole'?"),
        ("a,b\n1,2\n", {"kinds": "whole"}, "expected --data.kinds as column=kind with commas between, zip=category"),
        (
            "a,b\n1,2\n1,2.5\n",
            {"kinds": "b=whole"},
            "expected whole numbers in column 'b' of {}; line 3 has 2.5",
        ),
        (
            "a,b\n1,2\n1,-2\n",
            {"kinds": "b=count"},
            "expected counts, whole numbers from 0 on, in column 'b' of {}; li",
        ),
        (
            "a,b\n1,2\n",
            {"kinds": "b=date"},
            "expected dates such as 2024-01-31 in column 'b' of {}; line 2 has 2",
        ),
        ("a,b\n1,x\n2,y\n", {"kinds": "b=real"}, "expected numbers in column 'b' of {}; line 2 has x; correct it, or"),
        (
            "a,b\n1,2\n1,3\n1,4\n",
            {"kinds": "b=yes/no"},
            "expected two values in column 'b' of {}, which is yes/no; it has 2, 3, 4; leave the column out",
        ),
        (
            "a,b\n" + "".join(f"{i},word{i}\n" for i in range(41)),
            {},
            "expected words that come again in column 'b' of {}, a category; it has 41 of them in 41 rows; leave t",
        ),
        ("a,a\n1,2\n", {}, "expected columns of different names in {}; there are two 'a'; rename one"),
        ("a\n1\n", {"labels": "a"}, "expected columns of examples in {} beside its labels 'a'; there are none"),
        (b"a,b\n1,\xe9\n", {}, "expected UTF-8 in line 2 of {}; it is none; save the file as UTF-8"),
        (b"a\n1\n2,\x80\n", {}, "expected UTF-8 in line 3 of {}; it is none; save the file as UTF-8"),
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


def test_the_kind_of_a_column_is_found_from_its_values(table):
    path = table(
        "height,visits,smokes,is_wild,town,day,at\n"
        "1.5,3,0,true,Bonn,2024-01-02,2024-01-02T03:04:05\n"
        "1.7,-4,1,false,Köln,2024-02-01,2024-01-02T03:04:08\n"
    )
    columns = read(path).columns
    kinds = ["real", "whole", "yes/no", "yes/no", "category", "date", "date"]
    assert [column.kind for column in columns] == kinds
    assert [column.values for column in columns] == [(), (), (0, 1), (False, True), ("Bonn", "Köln"), (), ()]
    assert [column.unit for column in columns[-2:]] == ["D", "s"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_kind_that_is_named_holds(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    frame = pandas.DataFrame({"zip": ["0123", "0456", "0123"], "visits": [1, 2, 3], "answer": [3, 9, 3]})
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    data = read(path, kinds="zip=category, visits=count, answer=yes/no")
    assert [(column.kind, column.values) for column in data.columns] == [
        ("category", ("0123", "0456")),
        ("count", ()),
        ("yes/no", (3, 9)),
    ]
    assert data.train.examples.tolist() == [[0, 1, 0], [1, 2, 1], [0, 3, 0]]


def test_separators_and_a_decimal_comma_are_options(table):
    semicolons = read(table("a;b\n1,5;-2\n0,25;3\n"), separator=";", decimal=",")
    tabs = read(table("a\tb\n1.5\t-2\n0.25\t3\n", "tabs.csv"), separator="tab")
    for data in (semicolons, tabs):
        assert data.train.examples.tolist() == [[1.5, -2], [0.25, 3]]


def test_a_separator_inside_of_names_is_no_separator(table):
    assert names(read(table("a;b,c\n1,2\n"))) == ["a;b", "c"]
    assert names(read(table('c,"a;b"\n"x;y",2\n"u;v",3\n', "quoted.csv"))) == ["c", "a;b"]
    assert names(read(table("a, cm;b\n1,5;2\n", "german.csv"), separator=";", decimal=",")) == ["a, cm", "b"]


def test_a_comma_before_three_digits_may_part_thousands_and_is_not_taken_for_a_decimal_one(table):
    assert [c.kind for c in read(table("a;b\n1,500;1\n2,000;2\n"), separator=";").columns] == ["category", "whole"]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_a_nameless_column_that_counts_the_rows_is_left_out_and_said(table, first, name):
    path = table(f"{name},a,\n{first},5,\n{first + 1},7,\n")
    data = read(path)
    assert data.train.examples.tolist() == [[5], [7]]
    assert data.description == (
        f"2 rows of 1 columns from {path.name}, without column 1, which has no name and counts the rows and column 3, "
        "which has no name and no values"
    )


def test_a_nameless_column_does_not_matter_where_others_are_chosen(table):
    assert read(table("a,,b\n1,5,2\n3,9,4\n"), examples="b").train.examples.tolist() == [[2], [4]]


@pytest.mark.parametrize("name", [None, "id"])
def test_the_index_of_a_pandas_table_is_no_column_unless_it_is_asked_for(tmp_path, name):
    path = tmp_path / "mine.parquet"
    index = pandas.Index([7, 3, 5], name=name)
    pandas.DataFrame({"a": [1.5, 2.5, 3.5]}, index=index).to_parquet(path)
    data = read(path)
    stored = name or "__index_level_0__"
    assert (names(data), data.description) == (
        ["a"],
        f"3 rows of 1 columns from mine.parquet, without pandas' index {stored}",
    )
    assert read(path, examples=stored).train.examples.tolist() == [[7], [3], [5]]


def test_names_that_are_numbers_stand_in_quotes(table):
    assert names(read(table('"1","2"\n3,4\n'))) == ["1", "2"]


def test_names_with_commas_are_chosen_in_quotes(table):
    path = table('"a,b",c\n1,2\n')
    assert names(read(path, examples='c, "a,b"')) == ["c", "a,b"]


def test_values_that_float32_would_merge_keep_their_differences(table):
    """200 times, three seconds apart: as float32 they are 6 values."""
    seconds = 1_700_000_000 + 3 * np.arange(200)
    path = table("at,when\n" + "".join(f"{s},{np.datetime64(int(s), 's')}\n" for s in seconds))
    data = read(path)
    at, when = data.train.examples.T
    assert at.dtype == np.float32
    np.testing.assert_array_equal(at, 3 * np.arange(200))
    assert len(np.unique(when)) == 200
    back = [decode(column, data.train.examples[:, i]) for i, column in enumerate(data.columns)]
    np.testing.assert_array_equal(back[0], seconds)
    np.testing.assert_array_equal(back[1], seconds.astype("datetime64[s]"))


def test_a_category_is_not_standardised(table):
    data = read(table("a,b\n1,x\n2,y\n"))
    with pytest.raises(ValueError, match=r"expected numbers to standardise; column 'b \(x, y\)' of mine is a category"):
        standardise(data)
    standardise(data, [0])
