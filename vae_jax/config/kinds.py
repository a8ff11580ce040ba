"""The types that a field may have: what they are made of, and what they are called."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union


def members_of(kind: Any) -> tuple[Any, ...]:
    """The types of a union, in the order in which a value is tried as one of them; none for any other type."""
    members = typing.get_args(kind) if typing.get_origin(kind) in (Union, types.UnionType) else ()
    return tuple(sorted(members, key=_rank))


def _rank(kind: Any) -> int:
    # A float may be written as an integer, a tuple of one as its element, and every word is a string.
    return 3 if kind in (str, Path) else 2 if is_sequence(kind) else 1 if kind is float else 0


def is_sequence(kind: Any) -> bool:
    """Whether the type is that of a tuple, a list or a sequence, and tells the types of the elements."""
    origin = typing.get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Sequence)


def kinds_of_elements(kind: Any, num: int) -> tuple[Any, ...]:
    """The types of the elements of a sequence that has `num` of them.

    Raises:
        ValueError: If the type asks for another number.

    Example:
        >>> kinds_of_elements(tuple[int, ...], 2)
        (<class 'int'>, <class 'int'>)
    """
    kinds = typing.get_args(kind)
    if typing.get_origin(kind) is tuple and kinds[1:] != (...,):
        if len(kinds) != num:
            raise ValueError(f"expected {len(kinds)} elements; got {num}")
        return kinds
    return kinds[:1] * num


def is_flag(kind: Any) -> bool:
    """Whether the option of a field means true where no word is behind it."""
    return kind is bool or bool in members_of(kind)


def choices_of(kind: Any) -> list[str]:
    """The words that a type lists, to guess what was meant by another."""
    if typing.get_origin(kind) is Literal:
        return list(map(str, typing.get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind.__members__)
    return [choice for part in members_of(kind) for choice in choices_of(part)]


def in_words(kind: Any) -> str:
    """A description of the values of a type, for a message.

    Example:
        >>> in_words(float), in_words(tuple[int, ...]), in_words(int | None)
        ('a number', 'integers with commas between', 'an integer or none')
        >>> in_words(tuple[float | str, ...]), in_words(tuple[int, int]), in_words(tuple[int, str])
        ('numbers or words with commas between', '2 integers with commas between', 'an integer,a word')
    """
    arguments = typing.get_args(kind)
    if members_of(kind):
        return " or ".join(map(in_words, arguments))
    if is_sequence(kind):
        if typing.get_origin(kind) is not tuple or arguments[1:] == (...,):
            return f"{_plural(arguments[0])} with commas between"
        if len({*arguments}) == 1:
            return f"{len(arguments)} {_plural(arguments[0])} with commas between"
        return ",".join(map(in_words, arguments))
    if choices := choices_of(kind):
        return " or ".join(choices)
    return _IN_WORDS.get(kind, (getattr(kind, "__name__", str(kind)),))[0]


def _plural(kind: Any) -> str:
    if members_of(kind):
        return " or ".join(map(_plural, typing.get_args(kind)))
    return _IN_WORDS[kind][1] if kind in _IN_WORDS else in_words(kind)


_IN_WORDS: dict[Any, tuple[str, str]] = {
    float: ("a number", "numbers"),
    int: ("an integer", "integers"),
    bool: ("true or false", "true or false"),
    str: ("a word", "words"),
    Path: ("a path", "paths"),
    type(None): ("none", "none"),
}
