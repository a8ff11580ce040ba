"""A sweep's directory: its files, its lanes with their states, and the lock of its workers."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from filelock import FileLock, Timeout

from vae_jax.catalogue import EXPERIMENT, MODULES, kept_in
from vae_jax.files import expanded, read_json, write_files, write_json
from vae_jax.messages import RunError, UsageError
from vae_jax.runs.directory import RunDirectory, check_new

LaneStatus = Literal["waiting", "running", "finished", "stopped", "diverged"]
ENDED = ("finished", "stopped", "diverged")
SECONDS_FOR_A_CLAIM = 300
"""Seconds to wait for other workers, which hold the sweep's lock only while they choose their lanes."""


class SweepSpec(NamedTuple):
    """The definition of a sweep: all that its workers have to agree on."""

    experiment: str
    """The experiment's name."""
    config: dict[str, Any]
    """The experiment's `Config` as JSON, for the fields that are not swept."""
    num_steps: int | None
    axes: dict[str, Any]
    """Field -> axis, as JSON."""
    side_by_side: list[str]
    """The swept fields that lanes of one program may differ in; the others make groups."""
    is_zipped: bool
    search: dict[str, Any] | None
    """The `SearchConfig` as JSON; None for a grid."""
    evolution: dict[str, Any] | None
    """The `EvolutionConfig` as JSON; None where lanes do not learn from each other."""


class SweepDirectory:
    """The files of a sweep. A directory is a sweep once it has a `sweep.json`, which `create` writes last."""

    def __init__(self, path: Path) -> None:
        self.path = path = expanded(path)
        self.spec = path / "sweep.json"
        self.experiment = path / EXPERIMENT
        self.modules = path / MODULES
        self.environment = path / "environment.json"
        self.lanes = path / "lanes"
        self.stacks = path / "stacks"
        self.images = path / "images"
        self.report = path / "report.html"
        self._lock = FileLock(path / ".lock", timeout=SECONDS_FOR_A_CLAIM)

    @property
    def exists(self) -> bool:
        """Whether the directory holds a sweep."""
        return self.spec.is_file()

    def read_spec(self) -> SweepSpec:
        """Read the definition of the sweep that `create` wrote.

        Raises:
            UsageError: If there is no sweep, or its file cannot be read.
        """
        if not self.exists:
            raise UsageError(f"expected a sweep; {self.path} has no sweep.json; start one with vae-jax sweep")
        try:
            return SweepSpec(**json.loads(self.spec.read_text("utf-8")))
        except (ValueError, TypeError) as error:
            raise UsageError(f"expected what vae-jax sweep has written in {self.spec}; {error}") from None

    def read_environment(self) -> dict[str, Any]:
        """Read the environment that the sweep was begun in."""
        return read_json(self.environment) or {}

    @property
    def folder(self) -> str | None:
        """The folder in which the sweep was begun, where its relative paths lead from; None if it is not known."""
        return self.read_environment().get("folder")

    def create(self, spec: SweepSpec, environment: dict[str, Any], kept: Mapping[str, bytes]) -> None:
        """Begin a sweep, or join the one that is here.

        Args:
            spec: The definition of the sweep.
            environment: The environment that the sweep is begun in.
            kept: The experiment file and the modules beside it, as `ExperimentFile.kept`.

        Raises:
            UsageError: If something else is here, or a different sweep.
        """
        self.check(spec, kept)
        self.path.mkdir(parents=True, exist_ok=True)
        with self.lock():
            if self.exists:
                self.check(spec, kept)
                return
            write_json(self.environment, environment)
            shutil.rmtree(self.modules, ignore_errors=True)  # a process that was killed here may have left others
            write_files(self.path, kept)
            write_json(self.spec, spec._asdict())

    def check(self, spec: SweepSpec, kept: Mapping[str, bytes]) -> None:
        """Check that the directory holds this sweep, or nothing.

        Args:
            spec: The definition of the sweep.
            kept: The experiment file and the modules beside it.

        Raises:
            UsageError: If it holds anything else.
        """
        if self.exists:
            there = self.read_spec()
            for name, value in json.loads(json.dumps(spec._asdict())).items():
                if getattr(there, name) != value:
                    raise UsageError(
                        f"expected the sweep that is in {self.path}, to go on with it; its {name.replace('_', ' ')} is "
                        f"{json.dumps(getattr(there, name))}, got {json.dumps(value)}; "
                        f"give the same command, 'vae-jax resume {self.path}', or another --run-dir"
                    )
            before = kept_in(self.path)
            if changed := sorted(name for name in {*before, *kept} if before.get(name) != kept.get(name)):
                raise UsageError(
                    f"expected the experiment file that the sweep in {self.path} was begun with; {changed[0]} has "
                    f"changed; go on with the old one by 'vae-jax resume {self.path}', or give another --run-dir"
                )
            return
        ours = {".lock", *(f".{file.name}.writing" for file in (self.experiment, self.environment, self.spec))}
        ours |= {self.experiment.name, self.environment.name}
        if self.environment.is_file():  # which is written first: the folder may not be the user's own
            ours.add(self.modules.name)
        check_new(self.path, "sweep", ours)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only worker that chooses lanes.

        Raises:
            RunError: If another worker holds the lock for too long.
        """
        try:
            with self._lock:
                yield
        except Timeout:
            raise RunError(
                f"expected the other workers of {self.path} to choose their lanes within {SECONDS_FOR_A_CLAIM} s; "
                "one holds the sweep's lock; see what it does, and start this one again"
            ) from None

    def lane(self, number: int) -> RunDirectory:
        """The run directory of a lane."""
        return RunDirectory(self.lanes / f"{number:04d}")

    def status(self, number: int) -> LaneStatus:
        """The status of a lane."""
        return self._lane_json(number).get("state", "waiting")

    def values(self, number: int) -> list[float] | None:
        """The values of the objectives of a finished lane, or None."""
        values = self._lane_json(number).get("objectives")
        return values and [math.nan if value is None else value for value in values]

    def set_status(
        self, number: int, status: LaneStatus, swept: Sequence[str], values: Sequence[float] | None = None
    ) -> None:
        """Note the status of a lane, and at its end the values of the objectives."""
        found = values and [value if math.isfinite(value) else None for value in values]
        content = {"state": status, "swept": list(swept), "objectives": found}
        write_json(self.lane(number).path / "lane.json", content)

    def _lane_json(self, number: int) -> dict[str, Any]:
        path = self.lane(number).path / "lane.json"
        return read_json(path) or {}

    def stack_directories(self) -> list[Path]:
        """The directories of all stacks, oldest first."""
        return sorted(path for path in self.stacks.iterdir() if path.name.isdecimal()) if self.stacks.is_dir() else []
