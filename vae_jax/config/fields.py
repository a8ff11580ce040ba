"""The fields of a `Config` by dotted name: their types, values, and changes."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from vae_jax.messages import UsageError
from vae_jax.origin import explaining


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


def check_finite(value: Any, name: str = "") -> None:
    """Refuse a number that is infinite or not a number, which JSON does not know, however deep in a config.

    Raises:
        UsageError: If there is such a number; the message names its field.
    """
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            check_finite(getattr(value, field.name), f"{name}.{field.name}".strip("."))
    elif isinstance(value, Mapping):
        check_finite([*value.values()], name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            check_finite(part, name)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"expected a finite number for {name}; got {value}")
