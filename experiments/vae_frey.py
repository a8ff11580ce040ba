"""The manifold of one face: Frey's 1,965 frames of a video, two latent dimensions, a Gaussian likelihood.

Kingma & Welling 2014 (arXiv:1312.6114, figure 4a), with one learned scale for all pixels.

Measured (`vae-jax train vae_frey --initial-scale 0.1`): ELBO 709 ± 19 nats and 6.14 bits per dimension on the test
split, 196 frames.

Data: 'vae-jax data prepare frey_faces'.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.LearnedScale, vj.standard.Vae):
    data: vj.DataConfig = vj.DataConfig("frey_faces")
    """Frames, shuffled when they are prepared: neighbours are alike."""
    latent_size: int = 2
    hidden_sizes: tuple[int, ...] = (256, 128)
    batch_size: int = 50
    num_epochs: int = 200


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    scale = vj.standard.initial_scale(config, data.deviation())
    likelihood = vj.models.likelihoods.gaussian_with_learned_scale(scale)
    model = vj.standard.fully_connected(config, data.mean(), likelihood)
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    return vj.standard.experiment(config, data, model, objective, vj.data.dequantise(data.max_value))
