"""The importance-weighted autoencoder: a bound of K samples, which tightens to the likelihood with K.

Burda, Grosse & Salakhutdinov 2016 (arXiv:1509.00519, table 1).

Measured (`python scripts/benchmark.py bounds`; docs/results/bounds.md): NLL 104.3 after two epochs with 50 samples,
105.6 with 5, where the ELBO has 106.7.

Data: 'vae-jax data prepare mnist'; the network is that of the experiment `vae_mnist`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The importance-weighted autoencoder."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("mnist", train="train[:50000]", validation="train[50000:]", test="test")
    """Zeros and ones are taken as they are; grey levels are drawn anew each time."""
    latent_size: int = 50
    """Latent dimensions."""
    hidden_sizes: tuple[int, ...] = (200, 200)
    """Widths of the encoder's hidden layers; the decoder has them in reverse."""
    activation: str = "tanh"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    num_samples: int = 50
    """K, importance samples, ≥ 1; 1 is the VAE."""
    learning_rate: float = 1e-3
    """Learning rate of Adam."""
    max_gradient_norm: float = 1e3
    """The gradient is scaled down to this norm where it is longer."""
    batch_size: int = 100
    """Examples a step."""
    num_epochs: int = 30
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    model = vj.models.fully_connected(
        data.mean(),
        vj.models.likelihoods.bernoulli(),
        latent_size=config.latent_size,
        hidden_sizes=config.hidden_sizes,
        activation=config.activation,
    )
    objective = vj.objectives.over_batch(partial(vj.objectives.iwae, num_samples=config.num_samples))
    optimizer = optax.chain(optax.clip_by_global_norm(config.max_gradient_norm), optax.adam(config.learning_rate))
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optimizer),
        dataset=data,
        transform=vj.data.binarise(data),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
    )
