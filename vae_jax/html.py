"""Small pieces of HTML, for values that show themselves in a notebook: text in them is never taken for markup."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_CELL = "text-align:left;padding:0 1.2em 0 0;vertical-align:top"


def block(*pieces: str) -> str:
    """Pieces of HTML, one below the other."""
    return f"<div>{''.join(pieces)}</div>"


def line(text: Any, *, is_strong: bool = False) -> str:
    """A line of text.

    Example:
        >>> line("a < b", is_strong=True)
        '<div><b>a &lt; b</b></div>'
    """
    shown = escape(str(text))
    return f"<div>{f'<b>{shown}</b>' if is_strong else shown}</div>"


def table(rows: Iterable[Sequence[Any]], header: Sequence[Any] = ()) -> str:
    """Rows of cells below a header; "" without rows."""
    of_rows = [("td", row) for row in rows]
    lines = [*([("th", header)] if header else []), *of_rows]
    return f'<table style="margin:.3em 0">{"".join(_row(tag, row) for tag, row in lines)}</table>' if of_rows else ""


def names_and_values(entries: Mapping[str, Any]) -> str:
    """A table of two columns; "" without entries."""
    return table(entries.items())


def progress(done: int, num: int) -> str:
    """A bar of which `done` of `num` parts are full."""
    return f'<progress value="{done}" max="{max(num, 1)}" style="width:16em;vertical-align:middle"></progress>'


def picture(png: bytes, title: str) -> str:
    """A PNG file within the page, and a title that is shown when it is pointed at."""
    words, look = escape(title), "max-width:30em;margin:.3em .6em 0 0;vertical-align:top"
    return f'<img src="{data_uri(png)}" alt="{words}" title="{words}" style="{look}">'


def data_uri(png: bytes) -> str:
    """A PNG file as text that a page can hold, so that the page needs no other file."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _row(tag: str, cells: Sequence[Any]) -> str:
    shown = (f'<{tag} style="{_CELL}">{escape(str(cell))}</{tag}>' for cell in cells)
    return f"<tr>{''.join(shown)}</tr>"
