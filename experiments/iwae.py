"""The importance-weighted autoencoder: a bound of K samples, which tightens to the likelihood with K.

Burda, Grosse & Salakhutdinov 2016 (arXiv:1509.00519, table 1).

Measured (`python scripts/benchmark.py bounds`; docs/results/bounds.md): NLL 104.3 after two epochs with 50 samples,
105.6 with 5, where the ELBO has 106.7.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    num_samples: int = 50
    """K, importance samples, ≥ 1; 1 is the VAE."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    model = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
    bound = partial(vj.objectives.iwae, num_samples=config.num_samples)
    return vj.standard.experiment(config, data, model, vj.objectives.over_batch(bound), vj.data.binarise(data))
