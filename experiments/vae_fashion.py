"""The VAE on Fashion-MNIST in grey: a Gaussian whose one scale is learned, on dequantised bytes, so bits per dimension.

The learned scale is Rybkin, Daniilidis & Levine's (2021, arXiv:2006.13202).

Measured (`vae-jax train vae_fashion`): 6.83 bits per dimension on the test split after 20 epochs, of the bound with 100
importance samples. One scale for all pixels is dear where most of a picture is empty.

Data: 'vae-jax data prepare fashion_mnist'.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The VAE on Fashion-MNIST in grey."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("fashion_mnist")
    """Images of whole numbers, of any size."""
    latent_size: int = 20
    """Latent dimensions."""
    hidden_sizes: tuple[int, ...] = (512, 256)
    """Widths of the encoder's hidden layers; the decoder has them in reverse."""
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
    num_epochs: int = 20
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    transform = vj.data.dequantise(data.max_value)
    model = vj.models.fully_connected(
        data.mean(),
        vj.models.likelihoods.gaussian_with_learned_scale(0.1),
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
