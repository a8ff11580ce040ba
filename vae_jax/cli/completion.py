"""Completion of a half-typed command line by the shell: commands, experiments, options and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from vae_jax.catalogue import load_experiment, shipped
from vae_jax.cli.parser import options_of
from vae_jax.cli.sweep_options import SweepOptions, WorkOptions
from vae_jax.cli.train import RunOptions
from vae_jax.config.fields import fields_of
from vae_jax.config.kinds import choices_of, is_flag
from vae_jax.config.words import option_of

_SCRIPTS = {
    "bash": """_vae_jax() {
    local IFS=$'\\n'
    COMPREPLY=($(vae-jax completion -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _vae_jax vae-jax""",
    "zsh": """_vae_jax() {
    local -a found
    found=("${(@f)$(vae-jax completion -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n ${found[1]} ]]; then compadd -a found; else _files; fi
}
compdef _vae_jax vae-jax""",
    "fish": """complete -c vae-jax \
    -a '(vae-jax completion -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'""",
}


@dataclass(frozen=True)
class Completion:
    """Print what makes a shell complete commands, experiments and options: eval "$(vae-jax completion bash)"."""

    shell: Annotated[tyro.conf.Positional[Literal["bash", "zsh", "fish"]], tyro.conf.arg(metavar="SHELL")]
    """bash, zsh or fish."""

    def run(self) -> int:
        """Print the lines for the shell's start-up file."""
        print(_SCRIPTS[self.shell])
        return 0


def candidates(words: Sequence[str], commands: Mapping[str, type], data_commands: Mapping[str, type]) -> list[str]:
    """The words that may stand in the place of the last one, which is half typed.

    No code but that of shipped experiments is run. Where nothing is known, as for a directory, there are none, and the
    shell offers its files.

    Args:
        words: The words behind `vae-jax`, the last one perhaps empty.
        commands: Name -> command.
        data_commands: The same of `vae-jax data`.
    """
    *before, typed = words or [""]
    return [word for word in _after(before, typed, commands, data_commands) if word.startswith(typed)]


def _after(
    before: Sequence[str], typed: str, commands: Mapping[str, type], data_commands: Mapping[str, type]
) -> list[str]:
    if not before:
        return [*commands, "--help", "--version"]
    command, *rest = before
    if command == "data" and not rest:
        return list(data_commands)
    if command in ("train", "sweep") and not rest and not typed.startswith("-"):
        return list(shipped())
    kinds = _kinds(command, rest, commands, data_commands)
    behind = next((kinds[name] for name in kinds if option_of(name) == before[-1]), None)
    if behind is not None and not typed.startswith("-"):
        return choices_of(behind) or ["true", "false"] * is_flag(behind)
    if behind is not None and not is_flag(behind):
        return []
    return [option for name in kinds if (option := option_of(name)) not in before] if typed.startswith("-") else []


def _kinds(
    command: str, rest: Sequence[str], commands: Mapping[str, type], data_commands: Mapping[str, type]
) -> dict[str, Any]:
    """Option, by the name of its field -> type."""
    if command == "train":
        return _of_experiment(rest) | options_of(RunOptions)
    if command == "sweep":
        return _of_experiment(rest) | options_of(SweepOptions) | options_of(WorkOptions)
    kind = data_commands.get(rest[0]) if command == "data" and rest else commands.get(command)
    return {} if kind is None else options_of(kind)


def _of_experiment(rest: Sequence[str]) -> dict[str, Any]:
    return fields_of(load_experiment(rest[0]).Config) if rest and rest[0] in shipped() else {}
