"""Faces of 40 persons, 64x64: convolutions, a Gaussian with one learned scale, and mirror images while training.

400 photographs are few: the reconstructions of other photographs show how far that goes.

Measured (`vae-jax train vae_faces --initial-scale 0.1`; the test split was every tenth photograph): 6.23 bits per
dimension.

Data: 'vae-jax data prepare olivetti_faces'. lfw, celeb_a and a folder of images (--data.name) work as well.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.LearnedScale, vj.standard.ConvolutionalVae):
    data: vj.DataConfig = vj.DataConfig("olivetti_faces")
    """Images whose sides can be halved once for each convolution."""
    latent_size: int = 32
    batch_size: int = 32
    num_epochs: int = 150


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    scale = vj.standard.initial_scale(config, data.deviation())
    likelihood = vj.models.likelihoods.gaussian_with_learned_scale(scale)
    model = vj.standard.convolutional(config, data.mean(), likelihood)
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    transform, flip = vj.data.dequantise(data.max_value), vj.data.flip_horizontally()
    return vj.standard.experiment(config, data, model, objective, transform, augmentation=flip)
