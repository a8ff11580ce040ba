"""Between the VAE and the importance-weighted autoencoder: β of one bound and 1 − β of the other.

Rainforth et al. 2018 (arXiv:1802.04537), CIWAE.

Measured (`python scripts/benchmark.py bounds`; docs/results/bounds.md): NLL 102.5 after two epochs with 50 samples,
where β = 0 has 104.3.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    beta: float = 0.5
    """β, between 0 (importance-weighted) and 1 (the evidence bound)."""
    num_samples: int = 50
    """K, importance samples."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    model = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
    bound = partial(vj.objectives.ciwae, beta=config.beta, num_samples=config.num_samples)
    return vj.standard.experiment(config, data, model, vj.objectives.over_batch(bound), vj.data.binarise(data))
