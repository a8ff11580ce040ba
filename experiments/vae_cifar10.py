"""Photographs of ten kinds of things, 32x32 in colour: convolutions, a Gaussian with one learned scale.

A Gaussian is a poor likelihood of photographs: samples are blurs of colour, and that is the lesson.

Measured (`vae-jax train vae_cifar10 --initial-scale 0.1 --data.name cifar10_jpeg --data.train 'train[:10000]'
--data.validation 'train[10000:10500]' --data.test 'test[:1000]' --num-epochs 5`): 7.26 ± 0.01 bits per dimension, of
the bound with 100 importance samples and uniform dequantisation; squared error 56.5 an image. 390 steps in 155 s on
two busy cores.
cifar10_jpeg is CIFAR-10 after a lossy compression: not to be compared with published figures.

Data: 'vae-jax data prepare cifar10'.
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.LearnedScale, vj.standard.ConvolutionalVae):
    data: vj.DataConfig = vj.DataConfig("cifar10")
    """Images whose sides can be halved once for each convolution."""
    latent_size: int = 128
    batch_size: int = 128
    num_epochs: int = 10


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    scale = vj.standard.initial_scale(config, data.deviation())
    likelihood = vj.models.likelihoods.gaussian_with_learned_scale(scale)
    model = vj.standard.convolutional(config, data.mean(), likelihood)
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    transform, flip = vj.data.dequantise(data.max_value), vj.data.flip_horizontally()
    return vj.standard.experiment(config, data, model, objective, transform, augmentation=flip)
