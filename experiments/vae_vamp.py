"""The VampPrior: the prior is the mean of the posteriors at learned pseudo-inputs.

Tomczak & Welling 2018 (arXiv:1705.07120).

Measured (`python scripts/benchmark.py bounds`; docs/results/bounds.md): NLL 110.2 after two epochs, where the normal
prior has 106.7; it takes longer.

Data: 'vae-jax data prepare mnist'; the network is that of the experiment `vae_mnist`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The VAE with a VampPrior."""

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
    num_pseudo_inputs: int = 500
    """Components of the prior; they begin as training examples."""
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
    plain = vj.models.fully_connected(
        data.mean(),
        vj.models.likelihoods.bernoulli(),
        latent_size=config.latent_size,
        hidden_sizes=config.hidden_sizes,
        activation=config.activation,
    )
    pseudo_inputs = data.scaled()[: config.num_pseudo_inputs]
    model = vj.models.with_vamp_prior(plain, pseudo_inputs)
    bound = partial(vj.objectives.elbo, kl=vj.objectives.sampled_kl)
    objective = vj.objectives.over_batch(bound)
    optimizer = optax.chain(optax.clip_by_global_norm(config.max_gradient_norm), optax.adam(config.learning_rate))
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optimizer),
        dataset=data,
        transform=vj.data.binarise(data),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
        bound=bound,
    )
