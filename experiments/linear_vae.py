"""The linear VAE: trained by gradient, it recovers probabilistic PCA, and its bound becomes the likelihood.

Lucas, Tucker, Grosse & Norouzi 2019 (arXiv:1911.02469); Tipping & Bishop 1999.

Measured (`vae-jax train linear_vae`): log p(x) 14.2219 nats on the training split, 0.001 below the closed form.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.Training):
    data: vj.DataConfig = vj.DataConfig("digits")
    latent_size: int = 8
    learning_rate: float = 1e-2
    """Learning rate of Adam at the start; it falls to zero along a cosine."""
    batch_size: int = 358
    num_epochs: int = 1_500
    num_samples: int = 4
    """L, the samples of z for each example and step."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    import jax

    model = vj.models.linear(data.example_shape, latent_size=config.latent_size, mean=data.mean())
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, num_samples=config.num_samples))
    optimizer = vj.standard.adam_along_cosine(config, data)

    def measures(params) -> dict[str, float]:
        images = data.matrix()
        best = vj.probabilistic_pca.probabilistic_pca(images, config.latent_size)
        noise_scale = jax.numpy.exp(params["log_noise_scale"])
        trained = best._replace(mean=params["mean"], weight=params["decoder"], noise_scale=noise_scale)
        log_likelihood = jax.vmap(vj.probabilistic_pca.marginal_log_prob, (None, 0))(trained, images).mean()
        return {
            "log p(x) on the training split, nats": float(log_likelihood),
            "of probabilistic PCA, the largest there is": float(best.log_likelihood),
        }

    transform = vj.data.scale(data.max_value)
    return vj.standard.experiment(config, data, model, objective, transform, optimizer=optimizer, measures=measures)
