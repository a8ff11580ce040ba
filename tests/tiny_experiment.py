"""A VAE that trains within a second: what the tests of runs and commands run."""

from __future__ import annotations

from dataclasses import dataclass

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """A VAE that trains within a second."""

    seed: int = 0
    """Of everything."""
    latent_size: int = 2
    """Latent dimensions."""
    hidden_sizes: tuple[int, ...] = (16,)
    """Widths of the hidden layers."""
    learning_rate: float = 1e-2
    """Learning rate of Adam."""
    batch_size: int = 100
    """Examples a step."""
    validate_every: int = 10
    """Steps between validations."""


def data(config: Config) -> vj.data.Dataset:
    """The digits that come with scikit-learn."""
    return vj.data.load("digits")


def experiment(config: Config, data: vj.data.Dataset) -> vj.Experiment:
    """Wire it."""
    likelihood = vj.models.likelihoods.bernoulli()
    model = vj.models.gaussian(
        encoder=vj.networks.mlp(data.example_shape, (2 * config.latent_size,), config.hidden_sizes),
        decoder=vj.networks.mlp((config.latent_size,), data.example_shape, config.hidden_sizes),
        likelihood=likelihood,
        latent_size=config.latent_size,
    )
    objective = vj.objectives.over_batch(vj.objectives.elbo)
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optax.adam(config.learning_rate), average_decay=0.9),
        dataset=data,
        transform=vj.data.binarise_dynamically(data.max_value),
        budget=vj.Budget(config.batch_size, num_steps=30, validate_every=config.validate_every, log_every=7),
        seed=config.seed,
        num_samples=20,
    )
