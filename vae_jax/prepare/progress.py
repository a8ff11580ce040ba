"""Progress of a long task, reported ten times."""

from __future__ import annotations

from collections.abc import Callable


def tenths(tell: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """A function of (done, total) that reports (per cent, total) whenever another tenth is done.

    Example:
        >>> progress = tenths(lambda percent, total: print(f"{percent} % of {total}"))
        >>> for done in range(0, 26):
        ...     progress(done, 50)
        10 % of 50
        20 % of 50
        30 % of 50
        40 % of 50
        50 % of 50
    """
    told = 0

    def progress(done: int, total: int) -> None:
        nonlocal told
        tenth = 10 * done // total if total else 0
        if tenth > told:
            told = tenth
            tell(10 * tenth, total)

    return progress
