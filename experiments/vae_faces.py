"""Faces of 40 persons, 64x64: convolutions, a Gaussian with one learned scale, and mirror images while training.

400 photographs are few: the reconstructions of other photographs show how far that goes.

Measured (`vae-jax train vae_faces`): 6.23 bits per dimension on the test split, 40 photographs.

Data: 'vae-jax data prepare olivetti_faces'. lfw, celeb_a and a folder of images (--data.name) work as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """Faces of 40 persons."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("olivetti_faces")
    """Images whose sides can be halved once for each convolution."""
    latent_size: int = 32
    """Latent dimensions."""
    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of the encoder's convolutions; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    beta: float = 1.0
    """Weight of the KL; 1 is the evidence lower bound."""
    learning_rate: float = 1e-3
    """Learning rate of Adam."""
    max_gradient_norm: float = 1e3
    """The gradient is scaled down to this norm where it is longer."""
    batch_size: int = 32
    """Examples a step."""
    num_epochs: int = 150
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    transform = vj.data.dequantise(data.max_value)
    model = vj.models.convolutional(
        data.mean(),
        vj.models.likelihoods.gaussian_with_learned_scale(0.1),
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
        transform=transform,
        augmentation=vj.data.flip_horizontally(),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
    )
