"""Reading the command line: the command, and its options from the command's dataclass."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Protocol

import tyro

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.cli import commands, compare, data, data_show, sweep, sweep_words
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.version import __version__

COMMANDS: dict[str, type] = {
    "list": commands.List,
    "train": commands.Train,
    "sweep": sweep.Sweep,
    "resume": commands.Resume,
    "evaluate": commands.Evaluate,
    "sample": commands.Sample,
    "reconstruct": commands.Reconstruct,
    "report": commands.Report,
    "compare": compare.Compare,
    "data": data.Data,
    "info": commands.Info,
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
        UsageError: If there is no such command or experiment.
        SystemExit: With 0 after help, with 2 after a usage error that tyro has described.
    """
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage())
        raise SystemExit(0)
    if argv[0] == "--version":
        print(__version__)
        raise SystemExit(0)
    name, rest = argv[0], argv[1:]
    if name not in COMMANDS:
        raise UsageError(f"expected a command ({', '.join(COMMANDS)}); got '{name}'{did_you_mean(name, COMMANDS)}")
    if name == "train":
        return _parse_train(rest)
    if name == "sweep":
        return sweep.Sweep(sweep_words.parse_sweep(rest))
    if name == "data":
        return _parse_data(rest)
    return tyro.cli(COMMANDS[name], args=rest, prog=f"vae-jax {name}", config=(tyro.conf.FlagCreatePairsOff,))


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
    return tyro.cli(
        DATA_COMMANDS[name], args=argv[1:], prog=f"vae-jax data {name}", config=(tyro.conf.FlagCreatePairsOff,)
    )


def _parse_train(argv: list[str]) -> Command:
    if not argv or argv[0].startswith("-"):
        if argv and argv[0] in ("-h", "--help"):
            print(train_usage())
            raise SystemExit(0)
        raise UsageError("expected the name or file of an experiment behind 'train'; 'vae-jax list' names them")
    file = load_experiment(argv[0])
    options = tyro.cli(
        _train_options(file),
        args=argv[1:],
        prog=f"vae-jax train {argv[0]}",
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    return commands.Train(file, options.config, options.run)


def _train_options(file: ExperimentFile) -> type:
    """The experiment's fields and the run's options, side by side and without prefixes."""
    ours = {field.name for field in dataclasses.fields(commands.RunOptions)}
    for field in dataclasses.fields(file.Config):
        if field.name in ours:
            raise UsageError(
                f"expected a 'Config' without {', '.join(sorted(ours))}, which are options of every run; "
                f"{file.path} has '{field.name}'; rename it"
            )

    def flat(kind: type) -> Any:
        return Annotated[kind, tyro.conf.arg(name="")]

    return dataclasses.make_dataclass(
        "Options",
        [
            ("config", flat(file.Config), dataclasses.field(default_factory=file.Config)),
            ("run", flat(commands.RunOptions), dataclasses.field(default_factory=commands.RunOptions)),
        ],
        namespace={"__doc__": file.summary},
    )


def train_usage() -> str:
    """The help of `vae-jax train` without an experiment."""
    return "\n".join(
        [
            "usage: vae-jax train NAME|FILE [--run-dir DIR] [--overwrite] [--num-steps N] [--profile A:B] "
            "[--FIELD VALUE ...]",
            "",
            commands.Train.__doc__ or "",
            "",
            commands.experiment_table(),
            "",
            "'vae-jax train NAME --help' tells the fields of one.",
        ]
    )
