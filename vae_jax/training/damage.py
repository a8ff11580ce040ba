"""The judgement of a checkpoint that cannot be read: is it damaged, or does the machine lack something for now?"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax

from vae_jax.messages import RunError
from vae_jax.origin import links
from vae_jax.parallel import hosts

GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
"""Errors of the file system that are the checkpoint's own: a part of it is missing."""
_OF_THE_MACHINE = re.compile(
    r"\[OS error (?!2:)|RESOURCE_EXHAUSTED|PERMISSION_DENIED|UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED|ABORTED"
)
"""Tensorstore's words for what may be otherwise at the next attempt; its OS error 2 is a file that is missing."""
_OF_A_DAMAGE = re.compile(r"(DATA_LOSS|OUT_OF_RANGE|NOT_FOUND|INVALID_ARGUMENT|FAILED_PRECONDITION): ")


class Damaged(Exception):
    """The error for a checkpoint whose files are not as they were written."""


@contextmanager
def reading(name: str, *, only_files: bool) -> Iterator[None]:
    """Tell a damaged checkpoint from one that cannot be read here and now: nothing may happen to the latter.

    Args:
        name: The checkpoint, for the message.
        only_files: Whether nothing but files is read, so that an error is the fault of their format unless the machine
            lacks something. Arrays are also placed, and that may fail while the files are sound.

    Raises:
        Damaged: If the files are damaged.
        RunError: If they may well be sound.
    """
    try:
        yield
    except (Damaged, RunError):
        raise
    except Exception as error:
        if hosts.loss_behind(error):
            raise
        if is_damage(error, only_files=only_files):
            raise Damaged(first_line(error)) from error
        raise RunError(
            f"expected to read {name}, which need not be damaged and was left as it is; {root_of(error)}; "
            "mend that, and give the same command again"
        ) from error


def is_damage(error: BaseException, *, only_files: bool) -> bool:
    """Whether an error in reading shows that files are damaged."""
    led_here = list(links(error))
    if any(
        isinstance(link, MemoryError | jax.errors.JaxRuntimeError)
        or (isinstance(link, OSError) and not isinstance(link, GONE))
        or _OF_THE_MACHINE.search(f"{link}")
        for link in led_here
    ):
        return False
    return only_files or any(
        isinstance(link, (*GONE, json.JSONDecodeError, UnicodeDecodeError))
        or _OF_A_DAMAGE.match(f"{link}")
        or _is_of_metadata(link)
        for link in led_here
    )


def _is_of_metadata(error: BaseException) -> bool:
    """Whether orbax has met other keys than it wrote, in the JSON that it keeps of arrays and does not check."""
    if not isinstance(error, KeyError | AttributeError):
        return False
    places = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return bool(places) and "orbax" in Path(places[-1]).parts


def root_of(error: BaseException) -> str:
    """The first line of what is at the root of an error, in the system's own words where it is an error of the system.

    Example:
        >>> root_of(ValueError("RESOURCE_EXHAUSTED: Error writing a [OS error 28: ENOSPC No space left on device]"))
        'No space left on device'
    """
    led_here = [link for link in links(error) if not isinstance(link, RunError)] or [error]
    for link in reversed(led_here):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
        if found := re.search(r"\[OS error \d+: [A-Z0-9]+ ([^\]]+)\]", f"{link}"):
            return found[1]
    return first_line(led_here[-1])


def first_line(error: BaseException) -> str:
    """The beginning of an error's message; its class where it has none."""
    return (f"{error}".strip().splitlines() or [type(error).__name__])[0][:120]
