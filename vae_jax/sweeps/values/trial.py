"""Trials: the swept fields that one lane is trained with."""

from __future__ import annotations

from typing import Any, NamedTuple


class Trial(NamedTuple):
    """The values of the swept fields for one lane."""

    number: int
    """Number of the trial and of its lane."""
    fields: dict[str, Any]
    """Dotted field -> value, of the type of its axis."""
