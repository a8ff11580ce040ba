"""The VAE on all of MNIST, dynamically binarised: Burda's network, 784-200-200-50, two tanh layers on each side.

Burda, Grosse & Salakhutdinov 2016 (arXiv:1509.00519, table 1) train it for 3,280 epochs.

Measured (`vae-jax train vae_mnist`): after 30 epochs ELBO −100.2 nats on the test split; NLL 94.7 ± 0.2 with 100
importance samples.

Data: 'vae-jax data prepare mnist'. binarized_mnist and fashion_mnist (--data.name) work as well.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    beta: float = 1.0
    """Weight of the KL; 1 is the evidence lower bound."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    model = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
    bound = partial(vj.objectives.elbo, beta=config.beta)
    return vj.standard.experiment(config, data, model, vj.objectives.over_batch(bound), vj.data.binarise(data))
