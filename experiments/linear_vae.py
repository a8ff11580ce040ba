"""The linear VAE: trained by gradient, it recovers probabilistic PCA, and its bound becomes the likelihood.

Lucas, Tucker, Grosse & Norouzi 2019 (arXiv:1911.02469); Tipping & Bishop 1999.

Measured (`vae-jax train linear_vae`): log p(x) 14.2219 nats on the training split, 0.001 below the closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The linear VAE."""

    seed: int = 0
    """Seed of the parameters, the order of the examples, and all noise."""
    data: vj.DataConfig = vj.DataConfig("digits")
    """The digits to learn."""
    latent_size: int = 8
    """Latent dimensions."""
    num_samples: int = 4
    """L, the samples of z for each example and step."""
    learning_rate: float = 1e-2
    """Learning rate of Adam at the start; it falls to zero along a cosine."""
    batch_size: int = 358
    """Examples a step."""
    num_epochs: int = 1_500
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    budget = vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size)
    model = vj.models.linear(data.example_shape, latent_size=config.latent_size, mean=data.mean())
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, num_samples=config.num_samples))
    decay = optax.cosine_decay_schedule(1.0, max(1, budget.num_steps))

    def measures(params) -> dict[str, float]:
        images = data.matrix()
        best = vj.probabilistic_pca.probabilistic_pca(images, config.latent_size)
        trained = best._replace(
            mean=params["mean"], weight=params["decoder"], noise_scale=jax.numpy.exp(params["log_noise_scale"])
        )
        log_likelihood = jax.vmap(vj.probabilistic_pca.marginal_log_prob, (None, 0))(trained, images).mean()
        return {
            "log p(x) on the training split, nats": float(log_likelihood),
            "of probabilistic PCA, the largest there is": float(best.log_likelihood),
        }

    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optax.adam(lambda step: config.learning_rate * decay(step))),
        dataset=data,
        transform=vj.data.scale(data.max_value),
        budget=budget,
        seed=config.seed,
        measures=measures,
    )
