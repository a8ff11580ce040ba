"""The deep autoencoder with a code of two numbers: sharp reconstructions, and a latent space without order.

Hinton & Salakhutdinov 2006, trained end to end. Nothing tells the codes where to lie, so between and around them the
decoder makes nothing of meaning: compare its scatter, manifold and samples with those of `vae_2d`.

Measured (`vae-jax train autoencoder`): squared error 31.4 an example on the test split.
"""

from __future__ import annotations

from dataclasses import dataclass

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The deep autoencoder."""

    seed: int = 0
    """Seed of the parameters and of the order of the examples."""
    data: vj.DataConfig = vj.DataConfig("mnist_5k")
    """The digits to learn."""
    latent_size: int = 2
    """Size of the code."""
    hidden_sizes: tuple[int, ...] = (512, 256)
    """Widths of the encoder's hidden layers; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    learning_rate: float = 1e-3
    """Learning rate of Adam."""
    batch_size: int = 100
    """Examples a step."""
    num_epochs: int = 60
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    model = vj.models.fully_connected(
        data.mean(),
        vj.models.likelihoods.gaussian(),
        latent_size=config.latent_size,
        hidden_sizes=config.hidden_sizes,
        activation=config.activation,
        posterior=vj.models.posteriors.point_mass(),
    )
    bound = vj.objectives.autoencoder
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, vj.objectives.over_batch(bound), optax.adam(config.learning_rate)),
        dataset=data,
        transform=vj.data.scale(data.max_value),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
        bound=bound,
    )
