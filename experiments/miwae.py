"""The mean of M importance-weighted bounds of K samples each: as loose as one of them, and less noisy.

Rainforth et al. 2018 (arXiv:1802.04537), MIWAE.

Measured (`python scripts/benchmark.py bounds`; docs/results/bounds.md): NLL 101.8 after two epochs with 5 bounds of
10 samples, where one of 50 has 104.3.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    num_groups: int = 8
    """M, how many bounds are averaged."""
    num_samples: int = 8
    """K, importance samples of each."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    model = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
    bound = partial(vj.objectives.miwae, num_groups=config.num_groups, num_samples=config.num_samples)
    return vj.standard.experiment(config, data, model, vj.objectives.over_batch(bound), vj.data.binarise(data))
