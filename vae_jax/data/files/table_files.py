"""Files of tables: their columns by name, and the place of a row in the file."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vae_jax.data.column_kinds import is_number
from vae_jax.messages import did_you_mean

if TYPE_CHECKING:
    import pyarrow

_LARGEST_BLOCK = 2**31 - 1
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_NAMELESS = re.compile(r"(Unnamed: \d+)?")  # pandas calls nameless columns so when it writes them again


class Table(NamedTuple):
    """A file of a table."""

    path: Path
    num_rows: int
    columns: dict[str, pyarrow.ChunkedArray]
    """The columns that have a name, in the file's order."""
    where: Callable[[int], str]
    """Map from a row to its place in the file."""
    nameless: tuple[int, ...] = ()
    """Places of the columns without a name, from 1, unless they are empty or count the rows."""
    index: tuple[str, ...] = ()
    """Names of the columns that pandas wrote as the index of the rows."""
    left_out: tuple[str, ...] = ()
    """Words for each column that is not among the columns."""

    def check_known(self, names: Iterable[str], option: str) -> None:
        """Check that the file has columns of these names.

        Raises:
            ValueError: If it has not; the message says by which option they were named.
        """
        for name in names:
            if name not in self.columns:
                known = ", ".join(itertools.islice(self.columns, 20)) + (", ..." if len(self.columns) > 20 else "")
                raise ValueError(
                    f"expected {option} to name columns of {self.path} ({known}); got '{name}'"
                    f"{did_you_mean(name, self.columns)}"
                )


def read_csv(path: Path, separator: str = ",", decimal: str = ".", words: Iterable[str] = ()) -> Table:
    """The table of a .csv file, whose first line names the columns.

    A cell that is empty, or says NA, NaN or null without quotes, has no value.

    Args:
        path: The file.
        separator: The character between two values, or "tab".
        decimal: The character before the fraction of a number.
        words: Names of columns that are read as words even where they look like numbers: "007" stays "007".

    Raises:
        ValueError: If it is not a table, lacks such a line, or its lines differ in length; the message names the line.
    """
    import pyarrow
    from pyarrow import csv as arrow

    separator = "\t" if separator in ("tab", "\\t") else separator
    if len(separator) != 1 or separator in '"\r\n' or separator == decimal:
        raise ValueError(
            f"expected --data.separator as one character other than the decimal {decimal}, or tab; got '{separator}'"
        )
    _check_text(path)
    _check_separator(path, separator)
    where = line_of(path, separator)
    ragged: list[arrow.InvalidRow] = []

    def on_ragged(row: arrow.InvalidRow) -> str:
        ragged.append(row)
        return "error"

    # The type of a column is inferred from the first block, so the file is read as one block.
    block_size = min(max(path.stat().st_size, 1), _LARGEST_BLOCK)
    try:
        table = arrow.read_csv(
            path,
            read_options=arrow.ReadOptions(block_size=block_size, use_threads=False),
            parse_options=arrow.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=on_ragged
            ),
            convert_options=arrow.ConvertOptions(
                decimal_point=decimal,
                column_types=dict.fromkeys(words, pyarrow.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        names = table.column_names
    except pyarrow.ArrowInvalid as error:
        if ragged:
            row = ragged[0]
            raise ValueError(
                f"expected {row.expected_columns} values in every line of {path}, as there are columns; "
                f"{where(row.number - 2)} has {row.actual_columns}; correct it"
            ) from None
        reason = str(error).partition("\n")[0]
        raise ValueError(f"expected a table in {path}; it cannot be read ({reason}); correct it") from None
    if all(map(is_number, names)) and not _begins_with_a_quote(path):
        raise ValueError(
            f"expected the names of the columns in line 1 of {path}; it has {', '.join(names[:3])}; put a line of "
            "names before it, or quotes around these if they are the names"
        )
    return _named(path, table, names, where)


def read_parquet(path: Path) -> Table:
    """The table of a .parquet file.

    Raises:
        ValueError: If the file is not a Parquet file, or is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (pyarrow.ArrowException, OSError):
        raise ValueError(f"expected a Parquet file; {path} is none, or is damaged; write it again") from None
    indices = (table.schema.pandas_metadata or {}).get("index_columns", ())
    index = tuple(name for name in indices if isinstance(name, str))  # a range is described, and is not a column
    return _named(path, table, table.column_names, lambda row: f"row {row + 1}", index)


def _named(
    path: Path, table: pyarrow.Table, names: list[str], where: Callable[[int], str], index: tuple[str, ...] = ()
) -> Table:
    places = dict(enumerate(zip([name.strip() for name in names], table.columns, strict=True), 1))
    nameless = [place for place, (name, _) in places.items() if _NAMELESS.fullmatch(name)]
    idle = {place: words for place in nameless if (words := _says_nothing(places[place][1]))}
    columns = [named for place, named in places.items() if place not in nameless]
    counts = Counter(name for name, _ in columns)
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"expected columns of different names in {path}; there are two '{twice}'; rename one")
    left_out = [f"column {place}, which has no name and {words}" for place, words in idle.items()]
    index = tuple(name.strip() for name in index)
    left_out += [f"pandas' index {name}" for name in index]
    rest = tuple(place for place in nameless if place not in idle)
    return Table(path, table.num_rows, dict(columns), where, rest, index, tuple(left_out))


def _says_nothing(column: pyarrow.ChunkedArray) -> str:
    """The words for what is in a column that is empty or counts the rows, as separators at the end and pandas make."""
    import numpy as np
    from pyarrow import types

    if column.null_count == len(column):
        return "no values"
    if not types.is_integer(column.type) or column.null_count:
        return ""
    values = column.to_numpy()
    return "counts the rows" if values[0] in (0, 1) and bool((np.diff(values) == 1).all()) else ""


def _check_text(path: Path) -> None:
    """Check that a file is text before pyarrow reads it, which prints the calls of errors about ragged lines itself."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                raise ValueError(
                    f"expected UTF-8 in line {line} of {path}; it is none; save the file as UTF-8"
                ) from None
            line += chunk.count(b"\n")


def _check_separator(path: Path, separator: str) -> None:
    """Check that the first lines do not look as if another separator made their columns.

    Commas may make as many columns of names and numbers with commas in them; only where nothing is in quotes is it
    sure that what parts each line is no part of a name.
    """

    def makes_columns(separator: str) -> bool:
        with path.open(newline="", encoding="utf-8", errors="replace") as file, suppress(csv.Error):
            records = filter(None, csv.reader(file, delimiter=separator))
            lengths = {len(record) for record in itertools.islice(records, 5)}
            return len(lengths) == 1 and max(lengths) > 1
        return False

    with path.open(encoding="utf-8", errors="replace") as file:
        is_quoted = '"' in file.readline()
    if makes_columns(separator) and (separator != "," or is_quoted):
        return
    for other, words in {**_SEPARATORS, ",": "commas"}.items():
        if other != separator and makes_columns(other):
            option = "tab" if other == "\t" else f"'{other}'"
            raise ValueError(
                f"expected '{separator}' between the names in line 1 of {path}; it has {words}; give --data.separator "
                f"{option}"
            )


def _begins_with_a_quote(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.read(1) == '"'


def line_of(path: Path, separator: str = ",") -> Callable[[int], str]:
    """A function from row to line of a .csv file: empty lines are not rows, quoted values may span several lines."""

    def where(row: int) -> str:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.reader(file, delimiter=separator)
            lines = (reader.line_num for record in reader if record)
            return f"line {next(itertools.islice(lines, int(row) + 1, None))}"

    return where


def is_numeric(kind: pyarrow.DataType) -> bool:
    """Whether a column of this type holds numbers."""
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)


def is_of_words(kind: pyarrow.DataType) -> bool:
    """Whether a column of this type holds words."""
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
