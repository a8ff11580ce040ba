"""The help of a command, which tyro draws from the command's dataclass: types and defaults as they are typed here."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any, NoReturn

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from vae_jax.config.kinds import choices_of, is_sequence, members_of
from vae_jax.config.words import parse_value, to_word

REGISTRY = ConstructorRegistry()


def show_help(kind: type, program: str) -> NoReturn:
    """Print the help of a command and end.

    Args:
        kind: The command's dataclass.
        program: What is typed before its options.

    Raises:
        SystemExit: With 0.
    """
    tyro.cli(kind, args=["--help"], prog=program, config=(tyro.conf.FlagConversionOff,), registry=REGISTRY)
    raise SystemExit(0)


def side_by_side(about: str, *parts: Any) -> type:
    """A dataclass of several, for a help that shows the fields of all without prefixes, and their values."""

    def flat(number: int, part: Any) -> tuple[str, Any, Any]:
        kind = Annotated[type(part), tyro.conf.arg(name="")]
        return f"part_{number}", kind, dataclasses.field(default_factory=lambda: part)

    named = [flat(number, part) for number, part in enumerate(parts)]
    return dataclasses.make_dataclass("Options", named, namespace={"__doc__": about})


@REGISTRY.primitive_rule
def _one_word(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """All that is not a dataclass is one word."""
    kind = info.type
    if dataclasses.is_dataclass(kind):
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar_of(kind),
        instance_from_str=lambda words: parse_value(words[0], kind, ""),
        is_instance=lambda _: True,
        str_from_instance=lambda value: [to_word(value, kind)],
    )


def metavar_of(kind: Any) -> str:
    """The word that stands in the help for a value of a type.

    Example:
        >>> metavar_of(tuple[int, ...]), metavar_of(float | None), metavar_of(bool)
        ('INT,INT,...', 'FLOAT|none', '[true|false]')
    """
    if kind is bool:
        return "[true|false]"
    if choices := "" if members_of(kind) else ",".join(choices_of(kind)):
        return f"{{{choices}}}"
    if members_of(kind):
        return "|".join(map(metavar_of, typing.get_args(kind)))
    if is_sequence(kind):
        arguments = typing.get_args(kind)
        each = [metavar_of(one) for one in arguments if one is not ...]
        is_any_length = typing.get_origin(kind) is not tuple or ... in arguments
        return ",".join(each * 2 + ["..."] if is_any_length else each)
    return {str: "STR", type(None): "none"}.get(kind, getattr(kind, "__name__", str(kind)).upper())
