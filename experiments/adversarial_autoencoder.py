"""The adversarial autoencoder: codes without noise, matched to the prior by a discriminator that cannot tell them.

Makhzani, Shlens, Jaitly, Goodfellow & Frey 2016 (arXiv:1511.05644).

Measured (`vae-jax train adversarial_autoencoder`): squared error 20.9 an example on the test split, 8 numbers a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The adversarial autoencoder."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("mnist_5k")
    """The digits to learn."""
    latent_size: int = 8
    """Size of the code."""
    hidden_sizes: tuple[int, ...] = (400,)
    """Widths of the encoder's hidden layers; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    weight: float = 10.0
    """Weight of the reward for codes that pass for samples of the prior, in nats."""
    discriminator_sizes: tuple[int, ...] = (200, 200)
    """Widths of the discriminator's hidden layers."""
    discriminator_learning_rate: float = 5e-4
    """Learning rate of the discriminator's Adam."""
    learning_rate: float = 1e-3
    """Learning rate of Adam."""
    batch_size: int = 100
    """Examples a step."""
    num_epochs: int = 40
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
    return vj.Experiment(
        model=model,
        trainer=vj.training.adversarial_trainer(
            model,
            partial(vj.objectives.adversarial_autoencoder, weight=config.weight),
            optax.adam(config.learning_rate),
            discriminator=vj.networks.mlp((config.latent_size,), (), config.discriminator_sizes, "leaky_relu"),
            discriminator_objective=vj.objectives.prior_discriminator,
            discriminator_optimizer=optax.adam(config.discriminator_learning_rate, b1=0.5),
        ),
        dataset=data,
        transform=vj.data.scale(data.max_value),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
        bound=vj.objectives.autoencoder,
    )
