"""The run directory that a command is about: its argument, and the run in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from vae_jax.messages import UsageError
from vae_jax.runs.directory import RunDirectory

if TYPE_CHECKING:
    from vae_jax.runs.run import Run

# Modules that need JAX are imported inside functions: help, lists and usage errors do without it.

RunDirectoryArgument = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]
Selection = Literal["best", "latest"]


def opened(path: Path) -> Run:
    """The run in a directory, also if it is a lane of a sweep that was stopped.

    Raises:
        UsageError: If there is no run, or another process is at work on it.
    """
    RunDirectory(path).read_config()
    from vae_jax.runs.begin import open_run

    settle_lane(path)
    return open_run(path)


def settle_lane(path: Path) -> None:
    """Turn a lane of a sweep that was stopped into a run of its own, before it is looked at."""
    if (path / "lane.json").is_file():
        from vae_jax.sweeps.work.settle import settle

        settle(path)


def is_sweep(path: Path) -> bool:
    """Whether a directory is that of a sweep."""
    return (path / "sweep.json").is_file()


def check_at_least(smallest: int, option: str, value: int | None) -> None:
    """Check that a number is large enough, if it is given.

    Raises:
        UsageError: If it is not.
    """
    if value is not None and value < smallest:
        raise UsageError(f"expected {option} of at least {smallest}; got {value}")
