"""From the words behind a command to values, by the types of the fields: one parser for all commands."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import tyro

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.cli.help import show_help
from vae_jax.config.fields import fields_of, with_fields
from vae_jax.config.kinds import in_words, is_flag, is_sequence, members_of
from vae_jax.config.words import option_of, parse_value
from vae_jax.messages import UsageError, did_you_mean, listed

_POSITIONAL = getattr(tyro.conf.Positional[int], "__metadata__")[0]  # noqa: B009 (pyright knows only `type`)


def parse_command(kind: type, argv: Sequence[str], name: str) -> Any:
    """A command's dataclass, filled in from the words behind its name.

    Args:
        kind: The dataclass. Its fields are options, but for the one that is marked as positional.
        argv: The words.
        name: Name of the command.

    Raises:
        UsageError: If there is no such option, a value is not of its type, or one is missing or too many.
        SystemExit: With 0 after help.
    """
    if asks_for_help(argv):
        show_help(kind, f"vae-jax {name}")
    arguments, options = _arguments_of(kind), options_of(kind)
    expected = f"an option of '{name}'" if options else f"no option of '{name}'"
    free, found = apart(argv, options, expected, map(option_of, options))
    values: dict[str, Any] = {}
    for word, behind in found.items():
        num = _num_taken(options[word], behind) if len(options) < len(arguments) else len(behind)
        values[word] = value_behind(word, options[word], behind[:num])
        free += behind[num:]  # what an option does not take stands for itself
    for word, of_one in arguments.items():
        if of_one.is_positional:
            values[word] = _positional(of_one, free, name)
            free = []
        elif of_one.is_required and word not in values:
            raise UsageError(f"expected {option_of(word)} and {in_words(of_one.kind)} behind '{name}'; got none")
    if free:
        raise UsageError(f"expected no value behind '{name}'; got '{' '.join(free)}'")
    given = {arguments[word].field: value for word, value in values.items()}
    required = {of_one.field: given.pop(of_one.field) for of_one in arguments.values() if of_one.is_required}
    return with_fields(kind(**required), given)


def options_of(kind: type) -> dict[str, Any]:
    """The name of each option of a command, as typed -> its type."""
    return {word: of_one.kind for word, of_one in _arguments_of(kind).items() if not of_one.is_positional}


def asks_for_help(argv: Iterable[str]) -> bool:
    """Whether one of the words asks for help, whatever the others are."""
    return not {"-h", "--help"}.isdisjoint(argv)


def apart(
    argv: Iterable[str], kinds: Mapping[str, Any], expected: str, known: Iterable[str] = ()
) -> tuple[list[str], dict[str, list[str]]]:
    """The words before the first option, and option -> the words behind it.

    Args:
        argv: The words that were typed.
        kinds: Option, by the dotted name of its field -> type.
        expected: What an option has to be, for the message.
        known: What the message lists.

    Raises:
        UsageError: If there is no such option, or it is there twice.

    Example:
        >>> apart("x --seed 0 1 --no-zip --beta=-1".split(), {"seed": int, "zip": bool, "beta": float}, "an option")
        (['x'], {'seed': ['0', '1'], 'zip': ['false'], 'beta': ['-1']})
    """
    names = {option_of(name): name for name in kinds}
    negative = {option_of(re.sub(r"([^.]+)$", r"no_\1", name)): name for name, kind in kinds.items() if kind is bool}
    free: list[str] = []
    found: dict[str, list[str]] = {}
    words = free
    for word in argv:
        option, equals, value = word.partition("=")
        option = option.replace("_", "-")
        if not word.startswith("--") and f"-{option}" not in names:
            words.append(word)
            continue
        name = names.get(option) or negative.get(option)
        if name is None:
            typed = word.partition("=")[0]
            hint = did_you_mean(option if word.startswith("--") else f"-{option}", names)
            raise UsageError(f"expected {expected}; got '{typed}'{listed(hint, known)}")
        if name in found:
            raise UsageError(f"expected {option_of(name)} once, all its values behind it; got it twice")
        words = found[name] = ["false"] * (option not in names) + [value] * bool(equals)
    return free, found


def is_named(argv: Sequence[str]) -> bool:
    """Whether the words begin with the name or the file of an experiment."""
    return bool(argv) and not argv[0].startswith("-")


def experiment_behind(command: str, argv: Sequence[str]) -> ExperimentFile:
    """The experiment that the words behind a command begin with.

    Raises:
        UsageError: If they do not, or there is no such experiment.
    """
    if not is_named(argv):
        raise UsageError(f"expected the name or file of an experiment behind '{command}'; 'vae-jax list' names them")
    return load_experiment(argv[0])


def options_behind(
    command: str, argv: Iterable[str], file: ExperimentFile, kinds: Mapping[str, Any], other: str
) -> dict[str, list[str]]:
    """Option -> the words behind it, for a command that takes an experiment.

    Raises:
        UsageError: If a word is behind no option, there is no such option, or it is there twice.
    """
    free, found = apart(argv, kinds, f"a field of {file.name} or an option of {other}", fields_of(file.Config))
    if free:
        raise UsageError(
            f"expected an option before any value, such as {option_of(next(iter(kinds)))}; got '{free[0]}'; "
            f"'vae-jax {command} {file.name} --help' names all"
        )
    return found


def value_behind(name: str, kind: Any, words: Sequence[str]) -> Any:
    """The value of an option: that of the one word behind it, or true where none is behind a flag.

    Raises:
        UsageError: If there are several words, or none, or the word is not a value of the type.
    """
    if not words and is_flag(kind):
        return True
    if len(words) == 1:
        return parse_value(words[0], kind, name)
    got, hint = f"'{' '.join(words)}'" if words else "none", ""
    if is_sequence(kind) or any(map(is_sequence, members_of(kind))):
        hint = f"; write {','.join(words)}" if words else "; write '' for an empty one"
    number = "at most one" if is_flag(kind) else "one"
    raise UsageError(f"expected {number} value behind {option_of(name)}; got {got}{hint}")


class _Argument(NamedTuple):
    """A field of a command, as it is typed."""

    field: str
    kind: Any
    metavar: str
    is_positional: bool
    is_required: bool


def _arguments_of(kind: type) -> dict[str, _Argument]:
    """The name as typed -> the argument."""
    hints = typing.get_type_hints(kind, include_extras=True)
    own = {field.name: field for field in dataclasses.fields(kind)}
    found: dict[str, _Argument] = {}
    for name, of_field in fields_of(kind).items():
        outer = name.partition(".")[0]
        marks = getattr(hints[outer], "__metadata__", ())
        said = {
            key: next(filter(None, (getattr(mark, key, None) for mark in marks)), "") for key in ("name", "metavar")
        }
        is_required = own[outer].default is own[outer].default_factory is dataclasses.MISSING
        found[said["name"] or name] = _Argument(name, of_field, said["metavar"], _POSITIONAL in marks, is_required)
    return found


def _num_taken(kind: Any, words: Sequence[str]) -> int:
    """Number of the words behind an option that are its own, where a value may stand without an option."""
    is_taken = words[:1] and (not is_flag(kind) or words[0].lower() in ("true", "false", "none"))
    return 1 if is_taken else 0


def _positional(argument: _Argument, words: Sequence[str], command: str) -> Any:
    """The value of the argument that has no option: one word, or, for a tuple, one for each element."""
    if is_sequence(argument.kind):
        return tuple(parse_value(word, typing.get_args(argument.kind)[0], argument.field) for word in words)
    if len(words) != 1:
        got = f"'{' '.join(words)}'" if words else f"none; 'vae-jax {command} --help' tells more"
        raise UsageError(f"expected one {argument.metavar} behind '{command}'; got {got}")
    return parse_value(words[0], argument.kind, argument.field)
