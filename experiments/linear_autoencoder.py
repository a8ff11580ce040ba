"""The linear autoencoder: trained by gradient, it finds the subspace of PCA, in a basis of its own.

Baldi & Hornik 1989.

Measured (`vae-jax train linear_autoencoder`): largest principal angle to PCA 0.0061 rad; squared error 1.534 an
example on the test split, where PCA has 1.533.
"""

from __future__ import annotations

from dataclasses import dataclass

import optax

import vae_jax as vj


@dataclass(frozen=True)
class Config:
    """The linear autoencoder."""

    seed: int = 0
    """Seed of the parameters and of the order of the examples."""
    data: vj.DataConfig = vj.DataConfig("digits")
    """The digits to learn."""
    latent_size: int = 8
    """Size of the code."""
    learning_rate: float = 3e-3
    """Learning rate of Adam at the start; it falls to zero along a cosine."""
    batch_size: int = 1_432
    """Examples a step; by default all of digits, so that no noise is left in the subspace."""
    num_epochs: int = 6_000
    """Passes through the training examples."""


def experiment(config: Config) -> vj.Experiment:
    """Wire it."""
    data = vj.data.load(config.data)
    budget = vj.budget_of_epochs(config.num_epochs, len(data.train.examples), config.batch_size)
    model = vj.models.linear_autoencoder(data.example_shape, latent_size=config.latent_size, mean=data.mean())
    bound = vj.objectives.autoencoder
    decay = optax.cosine_decay_schedule(1.0, max(1, budget.num_steps))

    def measures(params) -> dict[str, float]:
        solution = vj.pca.pca(data.matrix(), config.latent_size)
        angles = vj.pca.principal_angles(params["decoder"], solution.components)
        return {"largest principal angle to PCA, rad": float(angles.max())}

    return vj.Experiment(
        model=model,
        trainer=vj.trainer(
            model, vj.objectives.over_batch(bound), optax.adam(lambda step: config.learning_rate * decay(step))
        ),
        dataset=data,
        transform=vj.data.scale(data.max_value),
        budget=budget,
        seed=config.seed,
        bound=bound,
        measures=measures,
    )
