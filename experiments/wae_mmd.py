"""The Wasserstein autoencoder: codes without noise, all of them together matched to the prior by a kernel.

Tolstikhin, Bousquet, Gelly & Schölkopf 2018 (arXiv:1711.01558), WAE-MMD with inverse multiquadric kernels. Compare its
samples with those of `autoencoder`, whose codes nothing holds together.

Measured (`vae-jax train wae_mmd`): squared error 20.6 an example on the test split, 8 numbers a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The Wasserstein autoencoder."""

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
    weight: float = 300.0
    """Weight of the maximum mean discrepancy between codes and prior, in nats."""
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
    # Around 2 d, the expected squared distance of two samples of the prior.
    scales = [2 * config.latent_size * factor for factor in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)]
    kernel = partial(vj.objectives.inverse_multiquadric_kernel, scales=scales)
    objective = partial(
        vj.objectives.wae,
        weight=config.weight,
        discrepancy=lambda key, codes, prior: vj.objectives.maximum_mean_discrepancy(codes, prior, kernel),
    )
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optax.adam(config.learning_rate)),
        dataset=data,
        transform=vj.data.scale(data.max_value),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
        bound=vj.objectives.autoencoder,
    )
