"""Reading the command line: the command, and its options from the command's dataclass."""

from __future__ import annotations

from typing import Protocol

from vae_jax.cli import about, compare, completion, data, data_show, diagnose, draw, evaluate, sweep, sweep_words, train
from vae_jax.cli.parser import parse_command
from vae_jax.cli.train_words import parse_train
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.version import __version__

COMMANDS: dict[str, type] = {
    "list": about.List,
    "train": train.Train,
    "sweep": sweep.Sweep,
    "resume": train.Resume,
    "evaluate": evaluate.Evaluate,
    "sample": draw.Sample,
    "reconstruct": draw.Reconstruct,
    "encode": draw.Encode,
    "export": draw.Export,
    "diagnose": diagnose.Diagnose,
    "report": evaluate.Report,
    "compare": compare.Compare,
    "data": data.Data,
    "info": about.Info,
    "completion": completion.Completion,
}
DATA_COMMANDS: dict[str, type] = {
    "list": data.List,
    "show": data_show.Show,
    "prepare": data.Prepare,
}


class Command(Protocol):
    """A command: a dataclass of options that can be run."""

    def run(self) -> int:
        """Run the command, and return the exit code."""
        ...


def parse(argv: list[str]) -> Command:
    """The command that the arguments name, with its options filled in.

    Raises:
        UsageError: If there is no such command or experiment, or the words behind it are not as expected.
        SystemExit: With 0 after help.
    """
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage())
        raise SystemExit(0)
    if argv[0] in ("-V", "--version"):
        print(__version__)
        raise SystemExit(0)
    name, rest = argv[0], argv[1:]
    if name not in COMMANDS:
        raise UsageError(f"expected a command ({', '.join(COMMANDS)}); got '{name}'{did_you_mean(name, COMMANDS)}")
    if name == "completion" and rest[:1] == ["--"]:
        print("\n".join(completion.candidates(rest[1:], COMMANDS, DATA_COMMANDS)))
        raise SystemExit(0)
    if name == "train":
        return parse_train(rest)
    if name == "sweep":
        return sweep.Sweep(sweep_words.parse_sweep(rest))
    if name == "data":
        return _parse_data(rest)
    return parse_command(COMMANDS[name], rest, name)


def usage() -> str:
    """The help of `vae-jax` itself."""
    return "\n".join(
        [
            "usage: vae-jax COMMAND ...",
            "",
            "Variational autoencoders: train, evaluate and look at them.",
            "",
            *_lines_of(COMMANDS),
            "",
            "'vae-jax COMMAND --help' tells a command's options, 'vae-jax train NAME --help' an experiment's fields.",
            "--traceback behind any command, or VAE_JAX_TRACEBACK=1, shows the calls that led to an error.",
        ]
    )


def data_usage() -> str:
    """The help of `vae-jax data`."""
    return "\n".join(
        [
            "usage: vae-jax data COMMAND ...",
            "",
            data.Data.__doc__ or "",
            "",
            *_lines_of(DATA_COMMANDS),
            "",
            "'vae-jax data COMMAND --help' tells a command's options.",
        ]
    )


def _lines_of(table: dict[str, type]) -> list[str]:
    width = max(len(name) for name in table)
    return [f"  {name:{width}}  {(command.__doc__ or '').partition(chr(10))[0]}" for name, command in table.items()]


def _parse_data(argv: list[str]) -> Command:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(data_usage())
        raise SystemExit(0)
    name = argv[0]
    if name not in DATA_COMMANDS:
        raise UsageError(
            f"expected a command of 'data' ({', '.join(DATA_COMMANDS)}); got '{name}'"
            f"{did_you_mean(name, DATA_COMMANDS)}"
        )
    return parse_command(DATA_COMMANDS[name], argv[1:], f"data {name}")
