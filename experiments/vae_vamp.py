"""The VampPrior: the prior is the mean of the posteriors at learned pseudo-inputs.

Tomczak & Welling 2018 (arXiv:1705.07120).

Measured (`python scripts/benchmark.py bounds`; docs/results/bounds.md): NLL 110.2 after two epochs, where the normal
prior has 106.7; it takes longer.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    num_pseudo_inputs: int = 500
    """Components of the prior; they begin as training examples."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    plain = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
    model = vj.models.with_vamp_prior(plain, data.scaled()[: config.num_pseudo_inputs])
    bound = partial(vj.objectives.elbo, kl=vj.objectives.sampled_kl)
    objective, transform = vj.objectives.over_batch(bound), vj.data.binarise(data)
    return vj.standard.experiment(config, data, model, objective, transform, bound=bound)
