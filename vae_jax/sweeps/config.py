"""The options of the command line about sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sampler = Literal["tpe", "cma-es", "random", "sobol", "grid"]
Stopping = Literal["halving", "hyperband"]


@dataclass(frozen=True)
class SearchConfig:
    """How trials are chosen, in place of the product of all values."""

    sampler: Sampler | None = None
    """Who chooses; None for no search."""
    trials: int | None = None
    """How many in all; of a grid, its size."""
    stopping: Stopping | None = None
    """Who ends bad trials early, so that their lanes are free for others."""
    objectives: tuple[str, ...] = ("value",)
    """What is optimised: names of validation metrics at the best step, or nll."""
    storage: str | None = None
    """An Optuna storage by URL, such as sqlite:///study.db; None for a journal in the sweep's directory."""
    seed: int = 0
    """Of the sampler."""


@dataclass(frozen=True)
class EvolutionConfig:
    """Population-based training: lanes that learn from each other while they are trained."""

    every: int | None = None
    """Validations from one generation to the next. Default: lanes keep to themselves."""
    share: float = 0.2
    """Of the lanes, how many go on as copies of as many of the best; at least one."""
    factor: float = 1.2
    """A copy's numbers are multiplied or divided by it."""


@dataclass(frozen=True)
class LanesConfig:
    """How lanes share the machine. What is computed does not depend on it, but for rounding."""

    num: int | None = None
    """At most so many at once. Default: as many as there are and fit into the memory; 16 in a search."""
    map: Literal["auto", "vmap", "loop"] = "auto"
    """Side by side in one program, or in turn. Default: what is faster here, which is measured once."""
    memory: float | None = None
    """GiB that they may take of each device. Default: what is free."""


@dataclass(frozen=True)
class SlurmConfig:
    """Jobs on a SLURM cluster that work on a sweep together."""

    workers: int = 0
    """How many; 0 to work here, without SLURM."""
    partition: str | None = None
    """Where they wait. Default: the cluster's own."""
    gpus: int = 1
    """Of each worker, on one host; 0 for none."""
    cpus: int = 8
    """Of each worker."""
    memory: float | None = None
    """Of each worker, in GB. Default: the cluster's own."""
    hours: float = 24.0
    """Until a worker saves and goes back into the queue."""
    extra: tuple[str, ...] = ()
    """Other options of sbatch, as KEY=VALUE or KEY: account=vision constraint=h100 exclusive."""
