"""The regularised autoencoder: a small code and a smooth decoder in place of the noise of a VAE.

Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020 (arXiv:1903.12436): RAE-GP by default; RAE-L2 with `weight_decay`,
RAE-SN with `spectral_norm`. Its codes follow no prior: the samples of the report are drawn from a standard normal, not
from a density fitted to the codes as in the paper.

Measured (`vae-jax train rae`): squared error 13.9 an example on the test split, 16 numbers a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The regularised autoencoder."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("mnist_5k")
    """The digits to learn."""
    latent_size: int = 16
    """Size of the code."""
    hidden_sizes: tuple[int, ...] = (400,)
    """Widths of the encoder's hidden layers; the decoder has them in reverse."""
    activation: str = "relu"
    """relu, tanh, gelu, elu, swish or leaky_relu."""
    beta: float = 0.1
    """Weight of half the squared length of the code, in nats."""
    gradient_weight: float = 1e-2
    """Weight of the squared Jacobian of the decoder, in nats: RAE-GP."""
    num_probes: int = 1
    """Random directions in which that Jacobian is estimated."""
    weight_decay: float = 0.0
    """Weight decay of the decoder's parameters, the gradient of half their squares: RAE-L2."""
    spectral_norm: bool = False
    """Whether the decoder's matrices are divided by their largest singular values: RAE-SN."""
    learning_rate: float = 1e-3
    """Learning rate of Adam."""
    batch_size: int = 100
    """Examples a step."""
    num_epochs: int = 40
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    likelihood = vj.models.likelihoods.gaussian()
    decoder = vj.networks.mlp(
        (config.latent_size,),
        likelihood.output_shape(data.example_shape),
        config.hidden_sizes[::-1],
        config.activation,
        output_bias=likelihood.output_bias(data.mean()),
    )
    model = vj.models.autoencoder(
        encoder=vj.networks.mlp(data.example_shape, (config.latent_size,), config.hidden_sizes, config.activation),
        decoder=vj.networks.with_spectral_norm(decoder) if config.spectral_norm else decoder,
        likelihood=likelihood,
        latent_size=config.latent_size,
    )
    objective = partial(
        vj.objectives.rae,
        beta=config.beta,
        gradient_weight=config.gradient_weight,
        jacobian_norm=partial(vj.objectives.probed_jacobian_norm, num_probes=config.num_probes),
    )
    # Before Adam's moments, so that it is the gradient of a penalty, and not AdamW's decay.
    decay = optax.masked(
        optax.add_decayed_weights(config.weight_decay), {"encoder": False, "decoder": True, "likelihood": False}
    )
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(
            model, vj.objectives.over_batch(objective), optax.chain(decay, optax.adam(config.learning_rate))
        ),
        dataset=data,
        transform=vj.data.scale(data.max_value),
        budget=vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size),
        seed=config.seed,
        bound=vj.objectives.autoencoder,
    )
