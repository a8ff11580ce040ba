"""How an error says what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the nearest known one, or nothing.

    Example:
        >>> did_you_mean("betta", ["beta", "num_samples"])
        "; did you mean 'beta'?"
        >>> did_you_mean("zzz", ["beta"])
        ''
    """
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{nearest[0]}'?" if nearest else ""


class UsageError(ValueError):
    """The input is not what was expected; nothing was changed. One line: expected; got; what to do."""


class RunError(RuntimeError):
    """A run could not go on. One line: what happened, and where it can be taken up."""
