"""An experiment that trains within a second, with fields of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """An experiment of a few numbers."""

    seed: int = 0
    """Of everything."""
    beta: float = 1.0
    """Weight of the KL."""
    learning_rate: float = 1e-2
    """Learning rate of Adam."""
    scale: float = 0.5
    """Of the likelihood: a part of the model, so of its evaluation, too."""
    offset: float = 0.0
    """Taken off the data by their transform."""
    threshold: float = 1.0
    """A number that Python looks at."""
    hidden_sizes: tuple[int, ...] = (8,)
    """Widths."""
    patience: int | None = None
    """Of early stopping."""


def data(config: Config) -> vj.data.Dataset:
    """Some numbers."""
    examples = np.random.default_rng(0).normal(1.0, 0.5, size=(90, 4)).astype(np.float32)
    return vj.data.from_object(examples, name="numbers")


def experiment(config: Config, data: vj.data.Dataset) -> vj.Experiment:
    """Wire it."""
    activation = "tanh" if config.threshold > 0 else "relu"
    model = vj.models.gaussian(
        encoder=vj.networks.mlp((4,), (4,), config.hidden_sizes, activation=activation),
        decoder=vj.networks.mlp((2,), (4,), config.hidden_sizes, activation=activation),
        likelihood=vj.models.likelihoods.gaussian(config.scale),
        latent_size=2,
    )
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    shift = vj.data.Transform(lambda key, x: x - config.offset, "shifted", lambda x: x + config.offset)
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optax.adam(config.learning_rate), average_decay=0.9),
        dataset=data,
        transform=shift,
        budget=vj.Budget(10, num_steps=40, validate_every=10, log_every=7, patience=config.patience),
        seed=config.seed,
        num_samples=20,
    )
