"""VaDE: clusters by a VAE whose prior is a mixture, which starts from the codes of a pretrained autoencoder.

Jiang, Zheng, Tan, Tang & Zhou 2017 (arXiv:1611.05148), there with hidden layers of 500, 500 and 2,000. No label is
used in training.

Measured (docs/results/structure.md): accuracy 0.634 ± 0.026 and adjusted Rand index 0.50 ± 0.04 over ten seeds, with
256 and 256 hidden units, three epochs of pretraining and four after.
"""

from dataclasses import dataclass

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.OnMnist):
    latent_size: int = 10
    hidden_sizes: tuple[int, ...] = (500, 500)
    activation: str = "relu"
    num_clusters: int = 10
    """Components of the prior."""
    num_pretraining_epochs: int = 5
    """Passes through the training examples as an autoencoder, at whose end the mixture is fitted; 0 for no start."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    num_steps = config.num_pretraining_epochs * (len(data.train.examples) // config.batch_size)
    plain = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
    model = vj.models.with_clusters(plain, config.num_clusters, num_pretraining_steps=num_steps)
    bound, transform = vj.objectives.vade, vj.data.scale(data.max_value)
    objective = vj.objectives.over_batch(bound, num_steps_left=lambda step: num_steps - step)
    measures = vj.evaluation.cluster_agreement(model, transform.apply, data.split("test"))
    return vj.standard.experiment(config, data, model, objective, transform, bound=bound, measures=measures)
