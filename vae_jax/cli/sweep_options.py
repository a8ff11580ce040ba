"""The options of `vae-jax sweep` that are not fields of an experiment."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from vae_jax.cli.run_directory import check_at_least
from vae_jax.config.words import option_of
from vae_jax.messages import UsageError
from vae_jax.parallel.config import ParallelConfig
from vae_jax.sweeps.config import EvolutionConfig, LanesConfig, Sampler, SearchConfig, SlurmConfig, Stopping

Show = Literal["auto", "table", "lines", "json"]


@dataclass(frozen=True)
class WorkOptions:
    """Options of the work on a sweep, whatever the experiment. What is computed does not depend on them."""

    lanes: LanesConfig = dataclasses.field(default_factory=LanesConfig)
    """Lanes, and how they share the machine."""
    parallel: ParallelConfig = dataclasses.field(default_factory=ParallelConfig)
    """Devices. The lanes are shared out over all; each is on one, unless more are asked for."""
    show: Show = "auto"
    """A table of lanes, lines, or JSON lines on stdout. Default: a table in a terminal, lines elsewhere."""


@dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep, whatever the experiment."""

    run_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Directory of the sweep, with a run directory for each lane. The same command again goes on with the sweep, and
    several at once share its lanes. Default: the next free runs/NAME-sweep-1."""
    num_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Train each lane for this many steps. Default: the experiment's own budget."""
    zip: bool = False
    """Take the first values of all fields together, then the second ones. Default: their product."""
    search: Sampler | None = None
    """Let Optuna choose trials, in place of the product: tpe, cma-es, random, sobol or grid."""
    trials: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Number of trials of a search."""
    stopping: Stopping | None = None
    """End bad trials early, and begin others in their lanes: successive halving, or hyperband."""
    objective: tuple[str, ...] = ("value",)
    """Metrics that a search optimises: value (the bound), kl, active_units, nll, ... of the validation split; several,
    with commas between, for a Pareto front."""
    storage: Annotated[str | None, tyro.conf.arg(metavar="URL")] = None
    """An Optuna database that workers share. Default: a journal in the sweep's directory. A password in it is kept out
    of all files: to resume, give the whole URL in VAE_JAX_STORAGE."""
    search_seed: int = 0
    """Seed of the search."""
    evolve: EvolutionConfig = dataclasses.field(default_factory=EvolutionConfig)
    """Population-based training."""
    slurm: SlurmConfig = dataclasses.field(default_factory=SlurmConfig)
    """Workers as jobs of a SLURM cluster."""

    @property
    def search_config(self) -> SearchConfig:
        """The options of the search, in one object."""
        return SearchConfig(self.search, self.trials, self.stopping, self.objective, self.storage, self.search_seed)


def check_options(options: SweepOptions, lanes: LanesConfig) -> None:
    """Check that numbers are large enough, and that no option lacks the one that it is about."""
    least = {
        "num-steps": (options.num_steps, 1),
        "trials": (options.trials, 1),
        "search-seed": (options.search_seed, 0),
        "lanes.num": (lanes.num, 1),
    }
    for name, (value, smallest) in least.items():
        check_at_least(smallest, f"--{name}", value)
    if lanes.memory is not None and lanes.memory <= 0:
        raise UsageError(f"expected --lanes.memory above 0, in GiB; got {lanes.memory:g}")
    usual = SweepOptions()
    about_a_search = [
        name
        for name in ("trials", "stopping", "objective", "storage", "search_seed")
        if getattr(options, name) != getattr(usual, name)
    ]
    if options.search is None and about_a_search:
        option = option_of(about_a_search[0])
        raise UsageError(f"expected --search with {option}; got none; choose one, say --search tpe")
    if options.evolve.every is None and options.evolve != usual.evolve:
        name = "share" if options.evolve.share != usual.evolve.share else "factor"
        raise UsageError(f"expected --evolve.every with --evolve.{name}; got none; give one, say --evolve.every 1")
