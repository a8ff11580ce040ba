"""Variational autoencoders as pure functions.

A VAE is three distributions; an objective is a pure function of them for one example, in nats, higher is better.
Start reading at `vae_jax.vae`. Names are imported when they are first used, so `import vae_jax` alone costs nothing.
"""

from typing import TYPE_CHECKING

from vae_jax.lazy import names_on_first_use
from vae_jax.version import __version__

if TYPE_CHECKING:
    from vae_jax import (
        aggregate,
        data,
        distributions,
        evaluation,
        flows,
        formulas,
        generation,
        hamiltonian,
        hierarchy,
        latent_classes,
        models,
        networks,
        objectives,
        pca,
        probabilistic_pca,
        standard,
        training,
    )
    from vae_jax.catalogue import load_experiment
    from vae_jax.data.config import DataConfig
    from vae_jax.experiment import Experiment
    from vae_jax.parallel.config import HostsConfig, ParallelConfig
    from vae_jax.pytree import register_dataclass
    from vae_jax.ranges import Range
    from vae_jax.runs.begin import resume, train
    from vae_jax.runs.run import Run
    from vae_jax.runs.trained import Trained, open
    from vae_jax.sweeps.call import sweep
    from vae_jax.sweeps.config import EvolutionConfig, LanesConfig, SearchConfig
    from vae_jax.sweeps.sweep import Sweep
    from vae_jax.sweeps.values.axes import Interval
    from vae_jax.training import Budget, Trainer, TrainState, budget_of_epochs, trainer
    from vae_jax.untrained import Untrained
    from vae_jax.vae import VAE, Conditional, Draw, Model, draw

_HOMES = {
    "aggregate": "",
    "data": "",
    "distributions": "",
    "evaluation": "",
    "flows": "",
    "formulas": "",
    "generation": "",
    "hamiltonian": "",
    "hierarchy": "",
    "latent_classes": "",
    "models": "",
    "networks": "",
    "objectives": "",
    "pca": "",
    "probabilistic_pca": "",
    "standard": "",
    "training": "",
    "DataConfig": "data.config",
    "VAE": "vae",
    "Conditional": "vae",
    "Draw": "vae",
    "Model": "vae",
    "draw": "vae",
    "Untrained": "untrained",
    "register_dataclass": "pytree",
    "Range": "ranges",
    "Trainer": "training",
    "TrainState": "training",
    "trainer": "training",
    "Budget": "training",
    "budget_of_epochs": "training",
    "Experiment": "experiment",
    "load_experiment": "catalogue",
    "ParallelConfig": "parallel.config",
    "HostsConfig": "parallel.config",
    "Run": "runs.run",
    "Trained": "runs.trained",
    "open": "runs.trained",
    "train": "runs.begin",
    "resume": "runs.begin",
    "Sweep": "sweeps.sweep",
    "sweep": "sweeps.call",
    "Interval": "sweeps.values.axes",
    "SearchConfig": "sweeps.config",
    "EvolutionConfig": "sweeps.config",
    "LanesConfig": "sweeps.config",
}

__all__ = [
    "VAE",
    "Budget",
    "Conditional",
    "DataConfig",
    "Draw",
    "EvolutionConfig",
    "Experiment",
    "HostsConfig",
    "Interval",
    "LanesConfig",
    "Model",
    "ParallelConfig",
    "Range",
    "Run",
    "SearchConfig",
    "Sweep",
    "TrainState",
    "Trained",
    "Trainer",
    "Untrained",
    "__version__",
    "aggregate",
    "budget_of_epochs",
    "data",
    "distributions",
    "draw",
    "evaluation",
    "flows",
    "formulas",
    "generation",
    "hamiltonian",
    "hierarchy",
    "latent_classes",
    "load_experiment",
    "models",
    "networks",
    "objectives",
    "open",
    "pca",
    "probabilistic_pca",
    "register_dataclass",
    "resume",
    "standard",
    "sweep",
    "train",
    "trainer",
    "training",
]


__getattr__ = names_on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
