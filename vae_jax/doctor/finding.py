"""A finding: what is wrong, what shows it, and what to do."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["fault", "hint"]


class Finding(NamedTuple):
    """One thing that is wrong, or may be."""

    name: str
    """Its name in few words."""
    level: Level
    """A fault makes numbers or samples wrong or much worse than they need be; a hint is to be looked at."""
    evidence: str
    """The numbers that show it."""
    remedy: str
    """Advice."""
