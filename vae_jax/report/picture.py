"""A picture with a caption that says what to look for in it."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Picture(NamedTuple):
    """One figure of the report, ready to be written to a file or inlined in a page."""

    png: bytes
    """The PNG file."""
    title: str
    """Title in a few words."""
    caption: str
    """Caption of one or two sentences, for someone who meets such a picture for the first time."""
    dark_png: bytes | None = None
    """The PNG file for a dark page, if `png` has a light background of its own."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, read from the file's header, where every PNG has them at the same place."""
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height
