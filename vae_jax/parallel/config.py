"""The command-line options for devices and hosts. They are no part of an experiment: a run may resume with others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ParallelConfig:
    """The devices that a step is spread over. What is computed does not depend on them, except for rounding."""

    devices: int | None = None
    """Number of devices, of all hosts. Default: as many as there are and divide the batch."""
    data: int | None = None
    """Copies of the parameters, each with a share of the batch. Default: devices / params."""
    params: int = 1
    """Devices that share one copy of the parameters and of the optimizer's state, for models that are large."""


@dataclass(frozen=True)
class HostsConfig:
    """The processes of one run, on one host or several. All are started with the same command, except for the index."""

    coordinator: str | None = None
    """HOST:PORT of process 0, or 'auto' under SLURM, Open MPI or Kubernetes. Default: a process alone."""
    num: int | None = None
    """Number of processes."""
    index: int | None = None
    """Index of this process, from 0."""
    timeout: int = 60
    """Seconds to wait for the other processes to come, and for a silent one before the run is given up."""
