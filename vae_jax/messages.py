"""Error messages that say what to do."""

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


def listed(hint: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown name: the nearest known one, and then a list, which may be long.

    Args:
        hint: What `did_you_mean` returns.
        known: The known names.

    Example:
        >>> listed(did_you_mean("betta", ["seed", "beta"]), ["seed", "beta"])
        "; did you mean 'beta'? Known: seed, beta"
        >>> listed("", ["seed", "beta"]), listed("", [])
        ('; known: seed, beta', '')
    """
    names = ", ".join(known)
    return hint + (f" Known: {names}" if hint else f"; known: {names}") * bool(names)


def check_sizes(**sizes: int | Iterable[int]) -> None:
    """Check that the sizes of a network or of a latent space are at least 1.

    Args:
        **sizes: A size or several, by a name that the caller knows.

    Raises:
        ValueError: If a size is below 1; the message has its name.

    Example:
        >>> check_sizes(latent_size=2, hidden_sizes=(400, 0))
        Traceback (most recent call last):
        ValueError: expected hidden_sizes of at least 1; got (400, 0); give a larger one
    """
    for name, given in sizes.items():
        if min([given] if isinstance(given, int) else given, default=1) < 1:
            raise ValueError(f"expected {name} of at least 1; got {given}; give a larger one")


class UsageError(ValueError):
    """The input is not what was expected; nothing was changed. One line: expected; got; what to do."""


class RunError(RuntimeError):
    """A run could not go on. One line: what happened, and where it can be taken up."""
