r"""Values as words of a command line: one syntax for every command.

A tuple is one word with commas between its elements, so that several words are always several values. What is behind a
backslash has no meaning: `a\,b` is one element, and `\none` is a string where `none` would be None.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from vae_jax.config.fields import check_numbers
from vae_jax.config.kinds import choices_of, in_words, is_sequence, kinds_of_elements, members_of
from vae_jax.config.saved import config_to_json, structured
from vae_jax.files import expanded
from vae_jax.messages import UsageError, did_you_mean


def parse_value(word: str, kind: Any, name: str) -> Any:
    """A word of the command line as a value of a field's type.

    Args:
        word: `0.1`, `8`, `true`, `relu`, `none`; `512,256` for a tuple; JSON for a dict. Infinity and NaN are refused.
        kind: The type.
        name: Name of the field, for the message.

    Raises:
        UsageError: If the word is not a value of the type.
    """
    try:
        return _parsed(word, kind)
    except (ValueError, TypeError):
        hint = did_you_mean(word, choices_of(kind))
        raise UsageError(f"expected {in_words(kind)} for {option_of(name)}; got '{word}'{hint}") from None


def option_of(name: str) -> str:
    """The option of the command line for a field.

    Example:
        >>> option_of("data.image_size")
        '--data.image-size'
    """
    return f"--{name.replace('_', '-')}"


def to_word(value: Any, kind: Any = Any) -> str:
    r"""The word of the command line that `parse_value` turns into the value.

    Args:
        value: The value.
        kind: The type of its field, which tells the string `none` from None.

    Example:
        >>> to_word((512, 256)), to_word(True), to_word(None), to_word(0.001)
        ('512,256', 'true', 'none', '0.001')
        >>> to_word(("a,b", "c"), tuple[str, ...]), to_word("none", str | None)
        ('a\\,b,c', '\\none')
    """
    if members := members_of(kind):
        plain = [to_word(value, part) for part in members]
        words = [*plain, *(f"{word}," for word in plain), f"\\{value}"]
        return next((word for word in words if _stands_for(word, kind, value)), plain[0])
    if isinstance(value, tuple | list):
        try:
            kinds = kinds_of_elements(kind, len(value)) if is_sequence(kind) else (Any,) * len(value)
        except ValueError:
            kinds = (Any,) * len(value)
        words = [re.sub(r"[\\,]", r"\\\g<0>", to_word(*each)) for each in zip(value, kinds, strict=True)]
        return ",".join(words) + "," * (words[-1:] == [""])
    if isinstance(value, Mapping) or dataclasses.is_dataclass(value):
        return json.dumps(config_to_json(value))
    if isinstance(value, Enum):
        return value.name
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _stands_for(word: str, kind: Any, value: Any) -> bool:
    try:
        return _parsed(word, kind) == value
    except (ValueError, TypeError):
        return False


def _parsed(word: str, kind: Any) -> Any:
    if members := members_of(kind):
        return _of_a_union(word, members)
    if is_sequence(kind):
        # What is behind the last comma is an element unless it is empty.
        parts = re.findall(r"((?:\\.|[^,\\]|\\\Z)*)(?:,|\Z)", word, re.DOTALL)[:-1]
        parts = [re.sub(r"\\([\\,])", r"\1", part) for part in parts]
        kinds = kinds_of_elements(kind, len(parts))
        values = [_parsed(part, inner) for part, inner in zip(parts, kinds, strict=True)]
        return values if typing.get_origin(kind) is list else tuple(values)
    if typing.get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        choices = typing.get_args(kind) or tuple(kind)
        return choices[choices_of(kind).index(word)]
    if kind in (bool, type(None)):
        (value,) = [one for one in (True, False, None) if isinstance(one, kind) and to_word(one) == word.lower()]
        return value
    if kind is float and not math.isfinite(float(word)):
        raise _NotFiniteError(word)
    if kind is Path:
        return expanded(word)  # a shell leaves `--run-dir=~/runs` as it is
    if kind in (float, int, str):
        return kind(word)
    value = structured(json.loads(word), kind)
    check_numbers(value)
    return value


class _NotFiniteError(ValueError):
    """A number is infinite or not a number, so that it must not become a string of `float | str`."""


def _of_a_union(word: str, members: Sequence[Any]) -> Any:
    text = [part for part in members if part in (str, Path)]
    if text and word.startswith("\\"):
        return text[0](word[1:])
    for part in members:
        try:
            return _parsed(word, part)
        except _NotFiniteError:
            raise
        except (ValueError, TypeError):
            pass
    raise ValueError(word)
