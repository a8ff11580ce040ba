"""The manifold of one face: Frey's 1,965 frames of a video, two latent dimensions, a Gaussian likelihood.

Kingma & Welling 2014 (arXiv:1312.6114, figure 4a), with one learned scale for all pixels.

Measured (`vae-jax train vae_frey`): ELBO 731.4 nats and 6.08 bits per dimension on the test split.

Data: 'vae-jax data prepare frey_faces'.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The manifold of one face."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("frey_faces")
    """Frames, shuffled when they are prepared: neighbours are alike."""
    latent_size: int = 2
    """Latent dimensions."""
    hidden_sizes: tuple[int, ...] = (256, 128)
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
    num_epochs: int = 200
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
