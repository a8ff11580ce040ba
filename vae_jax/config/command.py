"""The command line that is equivalent to a `Config`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Sequence
from typing import Any

from vae_jax.config.fields import fields_of, value_of
from vae_jax.config.words import option_of, to_word


def command(record: dict[str, Any], config: Any, *, is_shipped: bool = True) -> str:
    """The command line that repeats a run, with the fields that differ from their defaults.

    Args:
        record: The run's `config.json`.
        config: The `Config` that it holds.
        is_shipped: Whether the experiment is one that comes with the package, and so is found by its name. Another is
            found in the run's directory, where the command is to be given.
    """
    if not is_shipped:
        return "vae-jax train --config config.json"
    words = ["vae-jax", "train", record["experiment"], *options_of(config)]
    if record["num_steps"] is not None:
        words += ["--num-steps", str(record["num_steps"])]
    return shlex.join(words)


def options_of(config: Any, *, without: Container[str] = ()) -> list[str]:
    """The options of a command line that turn the default config into a given one, but for some fields."""
    changed = {name: word for name, word in changed_fields(config).items() if name not in without}
    return [part for name, word in changed.items() for part in typed(name, [word])]


def changed_fields(config: Any) -> dict[str, str]:
    """The fields that differ from their defaults, by dotted name, each as the word of a command line."""
    default = type(config)()
    words = {
        name: tuple(to_word(value_of(of, name), kind) for of in (config, default))
        for name, kind in fields_of(type(config)).items()
    }
    return {name: word for name, (word, usual) in words.items() if word != usual}


def typed(name: str, words: Sequence[str]) -> list[str]:
    """The option of a field and the words behind it, the first one joined to it where it looks like an option.

    Example:
        >>> typed("beta", ["-1", "2"]), typed("data.name", ["--x"])
        (['--beta', '-1', '2'], ['--data.name=--x'])
    """
    option = option_of(name)
    return [f"{option}={words[0]}", *words[1:]] if re.match(r"-[^\d.]", words[0]) else [option, *words]
