"""The counter of effective lines, against lines that are counted by eye."""

import runpy
from pathlib import Path

import pytest

num_lines = runpy.run_path(str(Path(__file__).parent.parent / "scripts" / "count_lines.py"))["num_lines"]
SOURCE = '''"""Of the file,
in two lines."""

import math  # counted once


# A comment.
@decorated
def one(x):
    """Of the function."""
    # Another.
    return (
        x
        + 1
    )


class Two:
    """Of the class."""

    three: int
    """Of the attribute."""
    text = """a value,
no docstring"""
'''


@pytest.mark.parametrize(
    ("names", "expected"), [(set(), 1 + 6 + 4), ({"one"}, 1 + 6), ({"Two"}, 1 + 4), ({"one", "Two"}, 1 + 6 + 4)]
)
def test_what_is_counted(names, expected):
    assert num_lines(SOURCE, names) == expected
