"""A Gaussian-mixture VAE: a class picks the normal prior of the code, and a network infers the class.

Dilokthanakul et al. 2016 (arXiv:1611.02648), in the form of Rui Shu 2016, "Gaussian Mixture VAE: Lessons in Variational
Inference". No label is used in training.

Measured (docs/results/structure.md): accuracy 0.365 ± 0.059 and adjusted Rand index 0.21 over three seeds, after two
epochs.
"""

from dataclasses import dataclass

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    latent_size: int = 10
    num_clusters: int = 10
    """Classes, each with a normal prior of its own."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    num, likelihood, transform = config.num_clusters, vj.models.likelihoods.bernoulli(), vj.data.binarise(data)
    told = vj.standard.conditional(config, data.mean(), likelihood, num, prior_hidden_sizes=(), decoder_is_told=False)
    model = vj.models.with_latent_class(told, vj.standard.encoder(config, data.example_shape, num), num_classes=num)
    bound = vj.objectives.elbo_over_classes
    measures = vj.evaluation.cluster_agreement(model, transform.apply, data.split("test"))
    objective = vj.objectives.over_batch(bound)
    return vj.standard.experiment(config, data, model, objective, transform, bound=bound, measures=measures)
