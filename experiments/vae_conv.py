"""The convolutional VAE: two convolutions that halve the image, two that double it again.

Kernel 4, stride 2, no batch normalisation: a pure function keeps no running statistics.

Measured (`vae-jax train vae_conv`): ELBO −108.1 nats on the test split; NLL 101.2 ± 1.2 with 100 importance samples.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.ConvolutionalVae):
    channels: tuple[int, ...] = (32, 64)


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    model = vj.standard.convolutional(config, data.mean(), vj.models.likelihoods.bernoulli())
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    return vj.standard.experiment(config, data, model, objective, vj.data.binarise_dynamically(data.max_value))
