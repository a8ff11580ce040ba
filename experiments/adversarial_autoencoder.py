"""The adversarial autoencoder: codes without noise, matched to the prior by a discriminator that cannot tell them.

Makhzani, Shlens, Jaitly, Goodfellow & Frey 2016 (arXiv:1511.05644).

Measured (`vae-jax train adversarial_autoencoder`): squared error 20.9 an example on the test split, 8 numbers a code.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.TwoPlayers):
    latent_size: int = 8
    discriminator_learning_rate: float = 5e-4
    weight: float = 10.0
    """Weight of the reward for codes that pass for samples of the prior, in nats."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    likelihood, posterior = vj.models.likelihoods.gaussian(), vj.models.posteriors.point_mass()
    model = vj.standard.fully_connected(config, data.mean(), likelihood, posterior=posterior)
    objective, opponent = (
        partial(vj.objectives.adversarial_autoencoder, weight=config.weight),
        vj.objectives.prior_discriminator,
    )
    transform = vj.data.scale(data.max_value)
    return vj.standard.adversarial(config, data, model, objective, opponent, transform, bound=vj.objectives.autoencoder)
