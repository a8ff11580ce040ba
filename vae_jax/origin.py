"""The origin of an exception: the place in a user's own code, and the errors that led to it."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae_jax.messages import UsageError

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
    if isinstance(error, SyntaxError) and error.filename is not None and not is_library(error.filename):
        return f"{error.filename}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_library(frame.filename)]
    if not frames:
        return ""
    last = frames[-1]
    return f"{last.filename}, line {last.lineno}, in {last.name} ({last.line})"


def links(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it, the last one first, each once.

    What fails first may be a save, or the closing of what was open when something failed: then it stands behind. An
    error that another thread has kept, and that is raised again while it is handled, leads to itself.
    """
    met: list[BaseException] = []
    while error is not None and not any(error is other for other in met):
        met.append(error)
        yield error
        error = error.__cause__ or error.__context__


def explained(error: BaseException, what: str, where: str = "it") -> str:
    """The line about an exception in a user's code: a refusal of ours in its own words, or else where it came from.

    Args:
        error: The exception.
        what: What was expected of the code, such as "an experiment that can be trained".
        where: What fails, where no line of the user's is known.
    """
    reason = str(error).strip()
    if reason.startswith("expected "):
        return reason
    said = f"{type(error).__name__}: {reason.partition(chr(10))[0]}".removesuffix(": ")
    return f"expected {what}; {origin(error) or where} fails: {said}; --traceback shows all calls"


@contextmanager
def explaining(what: str, where: str = "it") -> Iterator[None]:
    """A context for a user's code, in which whatever it raises becomes one line; so does an end of the program.

    Args:
        what: What is expected of the code.
        where: What fails, where no line of the user's is known.

    Raises:
        UsageError: With the line of `explained`.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        raise UsageError(explained(error, what, where)) from error


def is_library(filename: str) -> bool:
    """Whether code is this package's, another library's, or made while it ran."""
    return filename.startswith("<") or any(Path(filename).is_relative_to(folder) for folder in _LIBRARIES)
