"""The linear autoencoder: trained by gradient, it finds the subspace of PCA, in a basis of its own.

Baldi & Hornik 1989.

Measured (`vae-jax train linear_autoencoder`): largest principal angle to PCA 0.0061 rad; squared error 1.534 an
example on the test split, where PCA has 1.533.
"""

from dataclasses import dataclass

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.Training):
    data: vj.DataConfig = vj.DataConfig("digits")
    latent_size: int = 8
    learning_rate: float = 3e-3
    """Learning rate of Adam at the start; it falls to zero along a cosine."""
    batch_size: int = 1_432
    """Examples a step; by default all of digits, so that no noise is left in the subspace."""
    num_epochs: int = 6_000


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    model = vj.models.linear_autoencoder(data.example_shape, latent_size=config.latent_size, mean=data.mean())
    bound, transform = vj.objectives.autoencoder, vj.data.scale(data.max_value)

    def measures(params) -> dict[str, float]:
        solution = vj.pca.pca(data.matrix(), config.latent_size)
        angles = vj.pca.principal_angles(params["decoder"], solution.components)
        return {"largest principal angle to PCA, rad": float(angles.max())}

    objective, optimizer = vj.objectives.over_batch(bound), vj.standard.adam_along_cosine(config, data)
    return vj.standard.experiment(
        config, data, model, objective, transform, optimizer=optimizer, bound=bound, measures=measures
    )
