"""The fields of a `Config` by dotted name: their types, values, and changes."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from vae_jax.messages import UsageError
from vae_jax.origin import explaining
from vae_jax.ranges import Range, ranges_of


def fields_of(kind: type) -> dict[str, Any]:
    """Dotted name -> type of every field; nested dataclasses are replaced by their fields.

    Example:
        >>> from vae_jax.parallel.config import ParallelConfig
        >>> fields_of(ParallelConfig)["params"]
        <class 'int'>
    """
    found: dict[str, Any] = {}
    for name, hint in own_fields(kind).items():
        if dataclasses.is_dataclass(hint):
            found |= {f"{name}.{inner}": of_inner for inner, of_inner in fields_of(typing.cast(type, hint)).items()}
        else:
            found[name] = hint
    return found


def own_fields(kind: type) -> dict[str, Any]:
    """Name -> type of a dataclass' own fields, those left out that it computes itself."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


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
    with explaining("values that the config takes"):
        return dataclasses.replace(config, **own, **changed)


def range_of(kind: type, name: str) -> Range:
    """The range that a field, by its dotted name, states; one without ends where it states none."""
    *outer, last = name.split(".")
    for part in outer:
        kind = own_fields(kind)[part]
    return ranges_of(kind).get(last, Range())


def check_numbers(value: Any, name: str = "", within: Range | None = None) -> None:
    """Check the numbers of a config, however deep in it.

    Args:
        value: The config, or a part of it.
        name: Dotted name of the part, for the message.
        within: Range that is stated for the numbers of the part.

    Raises:
        UsageError: If a number is infinite or NaN, which JSON does not know, or out of the range that its field
            states; the message names the field.
    """
    if dataclasses.is_dataclass(value):
        ranges = ranges_of(typing.cast(type, type(value)))
        for field in dataclasses.fields(value):
            dotted = f"{name}.{field.name}".strip(".")
            check_numbers(getattr(value, field.name), dotted, ranges.get(field.name))
    elif isinstance(value, Mapping):
        check_numbers([*value.values()], name, within)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            check_numbers(part, name, within)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"expected a finite number for {name}; got {value}")
    elif within is not None and isinstance(value, float | int) and value not in within:
        raise UsageError(f"expected {name} {within}; got {value}")
