"""The convolutional VAE: two convolutions that halve the image, two that double it again.

Kernel 4, stride 2, no batch normalisation: a pure function keeps no running statistics.

Measured (`vae-jax train vae_conv`): ELBO −108.1 nats on the test split; NLL 101.2 ± 1.2 with 100 importance samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The convolutional VAE."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("mnist_5k")
    """The digits to learn."""
    latent_size: int = 20
    """Latent dimensions."""
    channels: tuple[int, ...] = (32, 64)
    """Channels of the encoder's convolutions; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    beta: float = 1.0
    """Weight of the KL; 1 is the evidence lower bound."""
    learning_rate: float = 1e-3
    """Learning rate of Adam."""
    max_gradient_norm: float = 1e3
    """The gradient is scaled down to this norm where it is longer."""
    batch_size: int = 100
    """Examples a step."""
    num_epochs: int = 40
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    model = vj.models.convolutional(
        data.mean(),
        vj.models.likelihoods.bernoulli(),
        latent_size=config.latent_size,
        channels=config.channels,
        activation=config.activation,
    )
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    optimizer = optax.chain(optax.clip_by_global_norm(config.max_gradient_norm), optax.adam(config.learning_rate))
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optimizer),
        dataset=data,
        transform=vj.data.binarise_dynamically(data.max_value),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
    )
