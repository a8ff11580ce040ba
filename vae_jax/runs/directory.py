"""A run's directory: its files, the lock for writing, and the point from which it counts as a run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vae_jax.catalogue import EXPERIMENT, MODULES
from vae_jax.files import expanded, write_files, write_json
from vae_jax.messages import UsageError

CONFIG_KEYS = {"experiment", "config", "num_steps"}


class RunDirectory:
    """The files of a run.

    It is a run from the moment that it has a `config.json`, which is the last file that `create` writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = expanded(path)
        self._lock = FileLock(path / ".lock", timeout=0)
        self.config = path / "config.json"
        self.environment = path / "environment.json"
        self.experiment = path / EXPERIMENT
        self.data = path / "data.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoints"
        self.evaluation = path / "evaluation.json"
        self.certificate = path / "certificate.json"
        self.images = path / "images"
        self.profile = path / "profile"
        self.report = path / "report.html"

    @property
    def exists(self) -> bool:
        """Whether the directory holds a run."""
        return self.config.is_file()

    @property
    def other_evaluations(self) -> list[Path]:
        """The evaluations beside the one that the run ended with."""
        return sorted(self.path.glob("evaluation-*.json"))

    def read_config(self) -> dict[str, Any]:
        """The config that `create` wrote.

        Raises:
            UsageError: If there is no run, or its config cannot be read.
        """
        if not self.exists:
            raise UsageError(f"expected a run directory; {self.path} has no config.json; start one with vae-jax train")
        return read_record(self.config)

    @property
    def latest_step(self) -> int:
        """The step of the newest checkpoint, 0 if there is none; read from names alone."""
        names = [path.name for path in self.checkpoints.iterdir()] if self.checkpoints.is_dir() else []
        return max((int(name) for name in names if name.isdecimal()), default=0)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only process at work in the directory. The lock ends with the process, however the process ends.

        The process that has the lock may take it again.

        Raises:
            UsageError: If another process has the lock.
        """
        if not self.path.is_dir():  # the lock would make one
            raise UsageError(f"expected the directory {self.path}; it is not there; bring it back, or begin anew")
        try:
            with self._lock:
                yield
        except Timeout:
            raise UsageError(
                f"expected {self.path} to be free; another process is at work in it; wait for it, or use another "
                "--run-dir"
            ) from None

    @contextmanager
    def lock_to_read(self) -> Iterator[None]:
        """Be sure that no other process is at work in the directory; one that cannot be written to is read as it is.

        Raises:
            UsageError: If another process has the lock.
        """
        with self.lock() if os.access(self.path, os.W_OK) else nullcontext():
            yield

    def check_free(self, *, overwrite: bool) -> None:
        """Check that a new run may be made in the directory.

        Raises:
            UsageError: If there is a run that is not to be overwritten, or other files, which nobody asked to lose.
        """
        if self.exists:
            if not overwrite:
                raise UsageError(
                    f"expected a new run directory; {self.path} holds a run; go on with it by "
                    f"'vae-jax resume {self.path}', or give --overwrite or another --run-dir"
                )
            return
        files = {self.environment.name, self.experiment.name, self.data.name}
        ours = {".lock"} | files | {f".{name}.writing" for name in files | {self.config.name}}
        if self.environment.is_file():  # which is written first: the folder may not be the user's own
            ours.add(MODULES)
        check_new(self.path, "run", ours)

    def create(
        self, config: dict[str, Any], environment: dict[str, Any], kept: Mapping[str, bytes], data: dict[str, Any]
    ) -> None:
        """Begin a run in the directory, in place of the run that it holds, if any.

        Args:
            config: Experiment, config and number of steps.
            environment: The environment that the run is begun in.
            kept: The experiment file and the modules beside it, as `ExperimentFile.kept`.
            data: The fingerprint of the data that the run is begun with.
        """
        # The config of the old run goes last, so that a process killed here leaves a run that --overwrite still takes;
        # that of the new one comes last, so that a process killed there leaves nothing that looks like a run.
        # A reader who finds a config finds the data's fingerprint, too.
        last = (self.config, self.data)
        for entry in sorted(self.path.iterdir(), key=lambda entry: last.index(entry) if entry in last else -1):
            if entry.name != ".lock":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        write_json(self.environment, environment)
        write_files(self.path, kept)
        write_json(self.data, data)
        write_json(self.config, config)


def check_new(path: Path, kind: str, ours: Collection[str]) -> None:
    """Check that a directory is new, or holds nothing but what a process that was killed may have left in it.

    Args:
        path: The directory.
        kind: The kind of thing that is to be made in it, a run or a sweep.
        ours: Names of files that such a process leaves.

    Raises:
        UsageError: If there is a file of that name, or other files in it, which nobody asked to lose.
    """
    if path.exists() and not path.is_dir():
        raise UsageError(f"expected a directory for the {kind}; {path} is a file; give another --run-dir")
    foreign = sorted({entry.name for entry in path.iterdir()} - set(ours)) if path.exists() else []
    if foreign:
        raise UsageError(
            f"expected a new or empty directory for the {kind}; {path} holds {foreign[0]} and is no {kind}; "
            "give another --run-dir"
        )


def read_record(path: Path) -> dict[str, Any]:
    """The record of a run that a `config.json` holds.

    Raises:
        UsageError: If there is no such file, or it holds no record.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"expected the config.json of a run, or its directory; {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"expected JSON in {path}; {error}") from None
    if not isinstance(record, dict) or record.keys() != CONFIG_KEYS or not isinstance(record["config"], dict):
        raise UsageError(f"expected an object with {', '.join(sorted(CONFIG_KEYS))} in {path}; got another")
    if not isinstance(record["experiment"], str):
        raise UsageError(f"expected the name of an experiment in {path}; got {json.dumps(record['experiment'])}")
    num_steps = record["num_steps"]
    if num_steps is not None and (type(num_steps) is not int or num_steps < 0):
        raise UsageError(f"expected num_steps of at least 0 or null in {path}; got {json.dumps(num_steps)}")
    return record


def next_free(parent: Path, name: str) -> Path:
    """Make `parent/name-1`, or the first number that is not taken, not even by a process that starts at this moment."""
    number = 1
    while True:
        path = parent / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            number += 1
