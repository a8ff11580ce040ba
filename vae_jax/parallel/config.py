"""The options of the command line about devices and hosts. They are no part of an experiment: any may resume it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ParallelConfig:
    """Over which devices a step is spread. What is computed does not depend on it, but for rounding."""

    devices: int | None = None
    """How many, of all hosts. Default: as many as there are and divide the batch."""
    data: int | None = None
    """Copies of the parameters, each with a share of the batch. Default: devices / params."""
    params: int = 1
    """Devices that share one copy of the parameters and of the optimizer's state, for models that are large."""


@dataclass(frozen=True)
class HostsConfig:
    """The processes of one run, on one host or several. All are started with the same command but for the index."""

    coordinator: str | None = None
    """HOST:PORT of the process 0, or 'auto' where SLURM, Open MPI or Kubernetes tell. Default: a process alone."""
    num: int | None = None
    """How many processes."""
    index: int | None = None
    """Which one this is, from 0."""
    timeout: int = 60
    """Seconds to wait for the others to come, and for a silent one before the run is given up."""
