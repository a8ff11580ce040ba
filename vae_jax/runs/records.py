"""Records of runs, read from their directories without JAX."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vae_jax.files import read_json, read_json_lines
from vae_jax.messages import UsageError
from vae_jax.ranking import RunRecord
from vae_jax.runs.directory import RunDirectory

STATES = ("waiting", "running", "finished", "stopped", "diverged")


def read_record(path: Path, *, split: str | None = None, num_samples: int | None = None) -> RunRecord:
    """The record of the run in a directory.

    Its fields are those of its config by dotted name, between `experiment`, the experiment's name, and `num_steps`,
    which is None for the experiment's own budget: runs that differ in these are as different as in any other field.

    Args:
        path: The directory.
        split: The split of the evaluation that is wanted; None for that of any.
        num_samples: Its importance samples; None for any number. With neither it is the one that the run ended with.

    Raises:
        UsageError: If there is no run, or one of its files is damaged.
    """
    directory = RunDirectory(path)
    if (path / "sweep.json").is_file():
        raise UsageError(f"expected a run; {path} holds a sweep; compare its lanes by 'vae-jax compare {path}'")
    if not directory.exists:
        raise UsageError(
            f"expected a run, a sweep, or a folder with runs in it; {path} has no config.json; "
            "start a run with vae-jax train"
        )
    record = directory.read_config()
    evaluation = read_json(directory.evaluation)
    return RunRecord(
        name=os.path.basename(os.path.abspath(path)),
        fields={
            "experiment": record["experiment"],
            **dict(_dotted(record["config"])),
            "num_steps": record["num_steps"],
        },
        metrics=read_json_lines(directory.metrics),
        evaluation=evaluation if split is None and num_samples is None else _other(directory, split, num_samples),
        state=_state_of_lane(path / "lane.json") or ("running" if evaluation is None else "finished"),
    )


def records_in(
    *paths: Path,
    say: Callable[[str], None] | None = None,
    split: str | None = None,
    num_samples: int | None = None,
) -> list[RunRecord]:
    """The runs in some places, each once.

    Args:
        *paths: Run directories, directories of sweeps, whose lanes are meant, or folders with runs in them.
        say: Called with a line for each run that cannot be read, as long as others can; None for stderr.
        split: As in `read_record`.
        num_samples: As in `read_record`.

    Returns:
        The runs, named by their directories; by whole paths where names are alike.

    Raises:
        UsageError: If a place does not exist, or no run can be read.
    """
    directories = {directory.resolve(): directory for path in paths for directory in run_directories(path)}
    found: list[tuple[Path, RunRecord]] = []
    problems: list[UsageError] = []
    for directory in directories.values():
        try:
            found.append((directory, read_record(directory, split=split, num_samples=num_samples)))
        except UsageError as problem:
            problems.append(problem)
    if problems and not found:
        raise problems[0]
    for problem in problems:
        (say or _to_stderr)(f"left out: {problem}")
    counts = Counter(record.name for _, record in found)
    return [record if counts[record.name] == 1 else record._replace(name=str(directory)) for directory, record in found]


def run_directories(path: Path) -> list[Path]:
    """The directories of the runs in a place: the lanes of a sweep, the runs directly in a folder, or the place itself.

    Among them are runs that were only begun and cannot be read.

    Raises:
        UsageError: If the place does not exist, or is a sweep without lanes.
    """
    if not path.exists():
        raise UsageError(f"expected a run, a sweep, or a folder with runs in it; {path} does not exist")
    lanes = path / "lanes"
    if lanes.is_dir():
        inside = [entry for entry in lanes.iterdir() if entry.is_dir()]
    elif path.is_dir() and not RunDirectory(path).exists:
        inside = [entry for entry in path.iterdir() if _is_begun(entry)]
    else:
        inside = []
    if not inside and (path / "sweep.json").is_file():
        raise UsageError(f"expected lanes in {lanes}; the sweep has none yet; start it with vae-jax sweep")
    return sorted(inside) or [path]


def _other(directory: RunDirectory, split: str | None, num_samples: int | None) -> dict[str, Any] | None:
    """The first evaluation of the best checkpoint that is of a split and has a number of samples."""
    of_the_best = [path for path in directory.other_evaluations if not path.stem.endswith("-latest")]
    for evaluation in filter(None, map(read_json, (directory.evaluation, *of_the_best))):
        if split in (None, evaluation.get("split")) and num_samples in (None, evaluation.get("num_samples")):
            return evaluation
    return None


def _is_begun(path: Path) -> bool:
    """Whether the directory has a file that only runs or sweeps leave."""
    directory = RunDirectory(path)
    return any(file.is_file() for file in (directory.config, directory.environment, path / "sweep.json"))


def _dotted(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of a config and of the configs in it, by dotted names."""
    for name, value in config.items():
        if isinstance(value, dict) and value:
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _state_of_lane(path: Path) -> str | None:
    """The state that a sweep recorded for its lane; None for a run that is no lane."""
    lane = read_json(path)
    if lane is None:
        return None
    if lane.get("state") not in STATES:
        raise UsageError(f"expected a state ({', '.join(STATES)}) in {path}; got {lane.get('state')!r}")
    return lane["state"]


def _to_stderr(line: str) -> None:
    print(f"vae-jax: {line}", file=sys.stderr)
