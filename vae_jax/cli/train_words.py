"""The words of `vae-jax train`: fields of an experiment beside options of the run, on top of a saved config or not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vae_jax.catalogue import ExperimentFile, load_experiment
from vae_jax.cli.about import experiment_table
from vae_jax.cli.help import show_help, side_by_side
from vae_jax.cli.parser import asks_for_help, experiment_behind, is_named, options_behind, value_behind
from vae_jax.cli.train import RunOptions, Train
from vae_jax.config.fields import check_numbers, fields_of, with_fields
from vae_jax.config.saved import config_from
from vae_jax.files import read_json
from vae_jax.messages import UsageError
from vae_jax.runs.data_paths import data_as_begun
from vae_jax.runs.directory import RunDirectory, read_record

_RUN = fields_of(RunOptions)


def parse_train(argv: Sequence[str]) -> Train:
    """Parse `EXPERIMENT --field value --option value`, or `--config FILE ...`.

    Raises:
        UsageError: If there is no such experiment, field or option, a value is not of its type, or a config cannot be
            read.
        SystemExit: With 0 after help.
    """
    path = _saved(argv)
    record = None if path is None else read_record(path)
    has_name = is_named(argv)
    if not has_name and asks_for_help(argv) and path is None:
        print(train_usage())
        raise SystemExit(0)
    file = experiment_behind("train", argv) if has_name or path is None or record is None else kept(path, record)
    kinds = fields_of(file.Config)
    ours = {field.name for field in dataclasses.fields(RunOptions)}
    if clash := [field.name for field in dataclasses.fields(file.Config) if field.name in ours]:
        raise UsageError(
            f"expected a 'Config' without {', '.join(sorted(ours))}, which are options of every run; "
            f"{file.path} has '{clash[0]}'; rename it"
        )
    config = file.Config() if path is None or record is None else _config_of(path, file, record)
    options = RunOptions(num_steps=None if record is None else record["num_steps"])
    if asks_for_help(argv):
        show_help(side_by_side(file.summary, config, options), f"vae-jax train {argv[0] if has_name else file.name}")
    found = options_behind("train", argv[has_name:], file, kinds | _RUN, "the run")
    values = {name: value_behind(name, (kinds | _RUN)[name], words) for name, words in found.items()}
    config = with_fields(config, {name: value for name, value in values.items() if name in kinds})
    check_numbers(config)
    return Train(
        file,
        config,
        with_fields(options, {name: value for name, value in values.items() if name in _RUN}),
    )


def _saved(argv: Sequence[str]) -> Path | None:
    """The file behind `--config`; that of a run is the `config.json` in its directory."""
    for index, word in enumerate(argv):
        option, equals, value = word.partition("=")
        if option == "--config":
            behind = [value] if equals else [word for word in argv[index + 1 : index + 2] if not word.startswith("--")]
            path = value_behind("config", Path, behind)
            return path / "config.json" if path.is_dir() else path
    return None


def _config_of(path: Path, file: ExperimentFile, record: dict[str, Any]) -> Any:
    """The config of a saved run, whose relative paths of data are meant in the folder in which that was begun."""
    run = RunDirectory(path.parent)
    folder = (read_json(run.environment) or {}).get("folder")
    return data_as_begun(config_from(file, record["config"]), folder)


def kept(path: Path, record: dict[str, Any]) -> ExperimentFile:
    """The experiment of a saved config: the copy that its run keeps beside it, or else the shipped one of that name."""
    copy = RunDirectory(path.parent).experiment
    return load_experiment(copy if copy.is_file() else record["experiment"])._replace(name=record["experiment"])


def train_usage() -> str:
    """The help of `vae-jax train` without an experiment."""
    return "\n".join(
        [
            "usage: vae-jax train NAME|FILE [--run-dir DIR] [--overwrite] [--num-steps N] [--profile A:B] "
            "[--config FILE] [--FIELD VALUE ...]",
            "",
            Train.__doc__ or "",
            "",
            experiment_table(),
            "",
            "'vae-jax train NAME --help' tells the fields of one; 'vae-jax train --config FILE' takes them from a run.",
        ]
    )
