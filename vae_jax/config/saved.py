"""An experiment's `Config` from JSON and keyword arguments, and to JSON."""

from __future__ import annotations

import dataclasses
import numbers
import typing
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from vae_jax.catalogue import ExperimentFile
from vae_jax.config.fields import check_numbers, own_fields
from vae_jax.config.kinds import in_words, is_sequence, kinds_of_elements, members_of
from vae_jax.messages import UsageError, did_you_mean, listed
from vae_jax.origin import explaining


def config_from(file: ExperimentFile, fields: dict[str, Any]) -> Any:
    """A `Config` from names and values, as a JSON file holds them.

    Raises:
        UsageError: If there is no such field, the value is not of its type, or a number is not finite or out of the
            range that its field states.
    """
    known = own_fields(file.Config)
    for name in fields:
        if name not in known:
            hint = listed(did_you_mean(name, known), known)
            raise UsageError(f"expected a field of {file.name}; got '{name}'{hint}")
    # In a notebook, data="digits" is as good as data=DataConfig("digits").
    if isinstance(data := fields.get("data"), str) and dataclasses.is_dataclass(known["data"]):
        fields = fields | {"data": {"name": data}}
    try:
        config = structured(fields, file.Config)
    except UsageError:
        raise  # by the Config itself
    except ValueError as error:
        raise UsageError(f"expected values of the types of {file.name}'s fields; got {error}") from None
    check_numbers(config)
    return config


def config_to_json(value: Any) -> Any:
    """The names and values from which `config_from` makes the config again."""
    if dataclasses.is_dataclass(value):
        return {name: config_to_json(getattr(value, name)) for name in own_fields(typing.cast(type, type(value)))}
    if isinstance(value, Mapping):
        return {name: config_to_json(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return list(map(config_to_json, value))
    return str(value) if isinstance(value, Path) else value.value if isinstance(value, Enum) else value


def structured(value: Any, kind: Any, name: str = "") -> Any:
    """A value as JSON holds it as a value of a type. Nothing is rounded or read as another type: 2.7 is no integer.

    Raises:
        ValueError: If it is none; the message names the field.

    Example:
        >>> structured([1, "auto"], tuple[float | str, ...])
        (1.0, 'auto')
    """
    try:
        return _structured(value, kind, name)
    except (_NoSuchValueError, UsageError):
        raise  # of a part of it
    except (TypeError, ValueError, OverflowError):
        raise _NoSuchValueError(f"{value!r} for {name or 'a field'}, not {in_words(kind)}") from None


class _NoSuchValueError(ValueError):
    """A value is not of its type; the message says which and where."""


def _structured(value: Any, kind: Any, name: str) -> Any:
    if members := members_of(kind):
        # What it is exactly comes first: 3.0 is a number for `int | float`, "3" a word for `int | str`.
        for part in sorted(members, key=lambda part: type(value) is not part):
            try:
                return structured(value, part, name)
            except ValueError:
                pass
        raise ValueError(value)
    if dataclasses.is_dataclass(kind):
        return _of_fields(value, typing.cast(type, kind), name)
    if kind in _ACCEPTED:
        if not isinstance(value, _ACCEPTED[kind]) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(value)
        return None if value is None else kind(value)
    if is_sequence(kind):
        if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
            raise TypeError(value)
        kinds = kinds_of_elements(kind, len(elements := list(value)))
        made = [structured(element, inner, name) for element, inner in zip(elements, kinds, strict=True)]
        return made if typing.get_origin(kind) is list else tuple(made)
    if typing.get_origin(kind) is Literal:
        (choice,) = [one for one in typing.get_args(kind) if (one, type(one)) == (value, type(value))]
        return choice
    if isinstance(origin := typing.get_origin(kind), type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise TypeError(value)
        of_key, of_value = typing.get_args(kind)
        return {structured(key, of_key, name): structured(inner, of_value, name) for key, inner in value.items()}
    return value if kind is Any else kind(value)


_ACCEPTED: dict[Any, Any] = {
    bool: bool,
    int: numbers.Integral,
    float: numbers.Real,
    str: str,
    Path: str | Path,
    type(None): type(None),
}


def _of_fields(value: Any, kind: type, name: str) -> Any:
    if isinstance(value, kind):
        value = {field: getattr(value, field) for field in own_fields(kind)}
    if not isinstance(value, Mapping):
        raise TypeError(value)
    kinds = own_fields(kind)
    if others := [field for field in value if field not in kinds]:
        raise _NoSuchValueError(f"{others[0]!r} in {name}, which has {', '.join(kinds)}")
    made = {field: structured(inner, kinds[field], f"{name}.{field}".strip(".")) for field, inner in value.items()}
    with explaining("values that the config takes"):
        return kind(**made)
