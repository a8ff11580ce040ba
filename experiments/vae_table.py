"""The VAE of a table: 30 measures of cell nuclei, standardised, with a Gaussian likelihood.

'vae-jax sample RUN --out rows.csv' writes new rows, in the units of the table. --data.name takes your .csv or .parquet.

Measured (`vae-jax train vae_table`): ELBO −27.7 nats on the test split; NLL 27.2 ± 5.0 with 100 importance samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The VAE of a table."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("breast_cancer")
    """Columns of numbers."""
    latent_size: int = 5
    """Latent dimensions."""
    hidden_sizes: tuple[int, ...] = (64, 64)
    """Widths of the encoder's hidden layers; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    beta: float = 1.0
    """Weight of the KL; 1 is the evidence lower bound."""
    learning_rate: float = 1e-3
    """Learning rate of Adam."""
    max_gradient_norm: float = 1e3
    """The gradient is scaled down to this norm where it is longer."""
    batch_size: int = 50
    """Examples a step."""
    num_epochs: int = 100
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    transform = vj.data.standardise(data)
    model = vj.models.fully_connected(
        jax.numpy.zeros(data.example_shape),
        vj.models.likelihoods.gaussian_with_learned_scale(),
        latent_size=config.latent_size,
        hidden_sizes=config.hidden_sizes,
        activation=config.activation,
    )
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    optimizer = optax.chain(optax.clip_by_global_norm(config.max_gradient_norm), optax.adam(config.learning_rate))
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optimizer),
        dataset=data,
        transform=transform,
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
    )
