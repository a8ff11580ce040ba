"""The fields of an experiment's `Config` by dotted name: their types, values parsed from words, and changes."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union

from vae_jax.messages import UsageError, did_you_mean


def fields_of(kind: type) -> dict[str, Any]:
    """Dotted name -> type of every field; nested dataclasses are replaced by their fields.

    Example:
        >>> from vae_jax.parallel.config import ParallelConfig
        >>> fields_of(ParallelConfig)["params"]
        <class 'int'>
    """
    found: dict[str, Any] = {}
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            found |= {f"{field.name}.{name}": inner for name, inner in fields_of(typing.cast(type, hint)).items()}
        else:
            found[field.name] = hint
    return found


def value_of(config: Any, name: str) -> Any:
    """The value of a field by its dotted name."""
    for part in name.split("."):
        config = getattr(config, part)
    return config


def with_fields(config: Any, values: Mapping[str, Any]) -> Any:
    """A config with some fields changed, by dotted names.

    Raises:
        UsageError: If the config itself refuses the values.

    Example:
        >>> from vae_jax.data.config import DataConfig
        >>> with_fields(DataConfig(), {"name": "digits"}).name
        'digits'
    """
    own = {name: value for name, value in values.items() if "." not in name}
    nested: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        outer, dot, inner = name.partition(".")
        if dot:
            nested.setdefault(outer, {})[inner] = value
    changed = {name: with_fields(getattr(config, name), inner) for name, inner in nested.items()}
    try:
        return dataclasses.replace(config, **own, **changed)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{error}") from error


def parse_value(word: str, kind: Any, name: str) -> Any:
    """A word of the command line as a value of a field's type.

    Args:
        word: `0.1`, `8`, `true`, `relu`, `none`; `512,256` for a tuple. Infinity and NaN are refused.
        kind: The type.
        name: Name of the field, for the message.

    Raises:
        UsageError: If the word is not a value of the type.
    """
    try:
        return _parsed(word, kind)
    except (ValueError, TypeError):
        hint = did_you_mean(word, map(str, _choices(kind)))
        raise UsageError(f"expected {in_words(kind)} for {option_of(name)}; got '{word}'{hint}") from None


def option_of(name: str) -> str:
    """The option of the command line for a field.

    Example:
        >>> option_of("data.image_size")
        '--data.image-size'
    """
    return f"--{name.replace('_', '-')}"


def to_word(value: Any) -> str:
    """The word of the command line that `parse_value` turns into the value.

    Example:
        >>> to_word((512, 256)), to_word(True), to_word(None), to_word(0.001)
        ('512,256', 'true', 'none', '0.001')
    """
    if isinstance(value, tuple | list):
        return ",".join(map(to_word, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def in_words(kind: Any) -> str:
    """A description of the values of a type, for a message.

    Example:
        >>> in_words(float), in_words(tuple[int, ...]), in_words(int | None)
        ('a number', 'integers with commas between', 'an integer or none')
    """
    arguments = typing.get_args(kind)
    if _is_union(kind):
        return " or ".join(in_words(part) for part in arguments)
    if typing.get_origin(kind) is tuple:
        return {int: "integers", float: "numbers"}.get(arguments[0], "words") + " with commas between"
    if typing.get_origin(kind) is Literal:
        return " or ".join(map(str, arguments))
    return _IN_WORDS.get(kind, getattr(kind, "__name__", str(kind)))


_IN_WORDS = {
    float: "a number",
    int: "an integer",
    bool: "true or false",
    str: "a word",
    Path: "a path",
    type(None): "none",
}


def is_number(kind: Any) -> bool:
    """Whether the type is `float`."""
    return kind is float


def _parsed(word: str, kind: Any) -> Any:
    arguments = typing.get_args(kind)
    if _is_union(kind):
        # Any word is a string, so `str` is tried last: `none` is None for `str | None`.
        for part in sorted(arguments, key=lambda part: part in (str, Path)):
            try:
                return _parsed(word, part)
            except (ValueError, TypeError):
                pass
        raise ValueError(word)
    if typing.get_origin(kind) is tuple:
        words = [part for part in word.split(",") if part]
        kinds = arguments[:1] * len(words) if arguments[1:] == (...,) else arguments
        return tuple(_parsed(part, inner) for part, inner in zip(words, kinds, strict=True))
    if typing.get_origin(kind) is Literal:
        return next(choice for choice in arguments if str(choice) == word) if word in map(str, arguments) else _no(word)
    if kind is type(None):
        return None if word.lower() == "none" else _no(word)
    if kind is bool:
        return {"true": True, "false": False}[word.lower()] if word.lower() in ("true", "false") else _no(word)
    if kind is float:
        return float(word) if math.isfinite(float(word)) else _no(word)
    if kind in (int, str, Path):
        return kind(word)
    raise TypeError(kind)


def _choices(kind: Any) -> list[Any]:
    if _is_union(kind):
        return [choice for part in typing.get_args(kind) for choice in _choices(part)]
    return list(typing.get_args(kind)) if typing.get_origin(kind) is Literal else []


def _no(word: str) -> Any:
    raise ValueError(word)


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (Union, types.UnionType)
