"""The deep autoencoder with a code of two numbers: sharp reconstructions, and a latent space without order.

Hinton & Salakhutdinov 2006, trained end to end. Nothing tells the codes where to lie, so between and around them the
decoder makes nothing of meaning: compare its scatter, manifold and samples with those of `vae_2d`.

Measured (`vae-jax train autoencoder`): squared error 31.4 an example on the test split.
"""

from dataclasses import dataclass

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.FullyConnected):
    latent_size: int = 2
    hidden_sizes: tuple[int, ...] = (512, 256)
    num_epochs: int = 60


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    likelihood, posterior = vj.models.likelihoods.gaussian(), vj.models.posteriors.point_mass()
    model = vj.standard.fully_connected(config, data.mean(), likelihood, posterior=posterior)
    bound, transform = vj.objectives.autoencoder, vj.data.scale(data.max_value)
    return vj.standard.experiment(config, data, model, vj.objectives.over_batch(bound), transform, bound=bound)
