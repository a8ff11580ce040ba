"""An experiment's `Config`: from JSON and keyword arguments, to JSON, and to the equivalent command line."""

from __future__ import annotations

import dataclasses
import math
import numbers
import shlex
from typing import Any

import cattrs

from vae_jax.catalogue import ExperimentFile
from vae_jax.messages import UsageError, did_you_mean


def config_from(file: ExperimentFile, fields: dict[str, Any]) -> Any:
    """A `Config` from names and values, as a JSON file holds them.

    Raises:
        UsageError: If there is no such field, or the value is not of its type.
    """
    known = list(getattr(file.Config, "__dataclass_fields__"))  # noqa: B009 (pyright knows only `type`)
    for name in fields:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(f"expected a field of {file.name} ({', '.join(known)}); got '{name}'{hint}")
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in _NUMBERS_AND_TEXT:
        converter.register_structure_hook(kind, _exactly)
    # In a notebook, data="digits" is as good as data=DataConfig("digits").
    fields = {
        name: {"name": value} if name == "data" and isinstance(value, str) else cattrs.unstructure(value)
        for name, value in fields.items()
    }
    try:
        return converter.structure(fields, file.Config)
    except (cattrs.BaseValidationError, TypeError, ValueError) as error:
        reasons = "; ".join(cattrs.transform_error(error))  # pyright: ignore[reportArgumentType]
        raise UsageError(f"expected values of the types of {file.name}'s fields; got {reasons}") from None


_NUMBERS_AND_TEXT = {bool: bool, int: numbers.Integral, float: numbers.Real, str: str}


def _exactly(value: Any, kind: type) -> Any:
    # Left alone, cattrs would turn 2.7 into 2 and "no" into True.
    if not isinstance(value, _NUMBERS_AND_TEXT[kind]) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"expected {kind.__name__}; got {value!r}")
    return kind(value)


def check_finite(config: Any) -> None:
    """Refuse a field that is infinite or not a number, which JSON does not know.

    Raises:
        UsageError: If there is such a field; the message names it.
    """
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            check_finite(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"expected a finite number for {field.name}; got {value}")


def config_to_json(config: Any) -> dict[str, Any]:
    """The names and values from which `config_from` makes the config again."""
    return cattrs.unstructure(config)


def command(record: dict[str, Any], config: Any) -> str:
    """The command line that repeats a run, with the fields that differ from their defaults."""
    words = ["vae-jax", "train", record["experiment"], *options_of(config, type(config)(), "--")]
    if record["num_steps"] is not None:
        words += ["--num-steps", str(record["num_steps"])]
    return shlex.join(words)


def options_of(config: Any, default: Any, prefix: str) -> list[str]:
    """The options of a command line that turn the default config into a given one."""
    words: list[str] = []
    for field in dataclasses.fields(config):
        value, usual = getattr(config, field.name), getattr(default, field.name)
        option = prefix + field.name.replace("_", "-")
        if dataclasses.is_dataclass(value):
            words += options_of(value, usual, f"{option}.")
        elif value != usual:
            words += [option, *map(str, value if isinstance(value, tuple | list) else [value])]
    return words
