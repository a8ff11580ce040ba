"""The options of the command line about sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sampler = Literal["tpe", "cma-es", "random", "sobol", "grid"]
Stopping = Literal["halving", "hyperband"]


@dataclass(frozen=True)
class SearchConfig:
    """Options of a search, which chooses trials in place of the product of all values."""

    sampler: Sampler | None = None
    """Sampler that chooses the trials; None for no search."""
    trials: int | None = None
    """Number of all trials; None for the size of a grid."""
    stopping: Stopping | None = None
    """Rule that ends bad trials early, so that their lanes are free for others."""
    objectives: tuple[str, ...] = ("value",)
    """Objectives to optimise: names of validation metrics at the best step, or nll."""
    storage: str | None = None
    """An Optuna storage by URL, such as sqlite:///study.db; None for a journal in the sweep's directory. A password in
    it is kept out of files; VAE_JAX_STORAGE has the whole URL where it is needed again."""
    seed: int = 0
    """Seed of the sampler."""


@dataclass(frozen=True)
class EvolutionConfig:
    """Population-based training: lanes that learn from each other while they are trained."""

    every: int | None = None
    """Number of validations from one generation to the next. Default: lanes do not learn from each other."""
    share: float = 0.2
    """Share of the lanes that go on as copies of as many of the best; at least one lane."""
    factor: float = 1.2
    """Factor by which the numbers of a copy are multiplied or divided."""


@dataclass(frozen=True)
class LanesConfig:
    """Options for how lanes share the machine. The results depend on them only by rounding."""

    num: int | None = None
    """Maximum number of lanes at once. Default: as many as there are and fit into the memory; 16 in a search."""
    map: Literal["auto", "vmap", "loop"] = "auto"
    """Train lanes side by side in one program, or in turn. Default: the faster way here, which is measured once."""
    memory: float | None = None
    """GiB that the lanes may take of each device. Default: what is free."""


@dataclass(frozen=True)
class SlurmConfig:
    """Jobs on a SLURM cluster that work on a sweep together."""

    workers: int = 0
    """Number of workers; 0 to work here, without SLURM."""
    partition: str | None = None
    """Partition that the workers are queued in. Default: the cluster's own."""
    gpus: int = 1
    """GPUs of each worker, on one host; 0 for none."""
    cpus: int = 8
    """CPUs of each worker."""
    memory: float | None = None
    """Memory of each worker, in GB. Default: the cluster's own."""
    hours: float = 24.0
    """Hours until a worker saves and goes back into the queue."""
    extra: tuple[str, ...] = ()
    """Other options of sbatch, as KEY=VALUE or KEY: account=vision,constraint=h100,exclusive."""
