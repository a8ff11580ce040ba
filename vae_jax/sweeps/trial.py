"""A trial: what one lane is trained with."""

from __future__ import annotations

from typing import Any, NamedTuple


class Trial(NamedTuple):
    """Some fields to be tried."""

    number: int
    """Which its lane has, too."""
    fields: dict[str, Any]
    """Dotted field -> value, of its axis' type."""
