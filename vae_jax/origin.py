"""The place in a user's own code that an exception came from."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_LIBRARIES = {Path(__file__).parent, *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib"))}


def origin(error: BaseException) -> str:
    """The innermost line outside this package and other libraries that led to an exception; "" if there is none.

    Example:
        >>> try:
        ...     int("x")
        ... except ValueError as error:
        ...     origin(error)
        ''
    """
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    if not frames:
        return ""
    last = frames[-1]
    return f"{last.filename}, line {last.lineno}, in {last.name} ({last.line})"


def explained(error: Exception, what: str) -> str:
    """The line about an exception in a user's code: a refusal of ours in its own words, or else where it came from.

    Args:
        error: The exception.
        what: What was expected of the code, such as "an experiment that can be trained".
    """
    reason = str(error).strip().partition("\n")[0]
    place = origin(error)
    if reason.startswith("expected "):
        return reason
    return f"expected {what}; {place or 'it'} fails: {type(error).__name__}: {reason}; --traceback shows all calls"


def _is_users(filename: str) -> bool:
    return not filename.startswith("<") and not any(Path(filename).is_relative_to(folder) for folder in _LIBRARIES)
