"""The very deep VAE: many groups of latents over growing resolutions, in residual blocks from the top down.

Child 2021 (arXiv:2011.10650), small enough for a processor: the blocks of a resolution are one loop, an average of the
parameters is evaluated, and a step whose gradient is too long is skipped. `--likelihood bytes` models grey levels and
colours by mixtures of rounded logistics.

Measured, the first steps of a training (`vae-jax train vdvae --num-blocks 1,4,2,1 --width 16 --latent-size 4
--learning-rate 3e-3 --num-epochs 4 --num-warm-up-epochs 2`): in 248 steps the training bound rises from −210 to −117.5
nats; the KL of seven of its eight groups is above 0.01 nats by then (docs/results/hierarchies.md).
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.Clipped, vj.standard.Training):
    data: vj.DataConfig = vj.DataConfig("mnist_5k")
    """Square images, whose side is the last of the resolutions."""
    likelihood: Literal["binary", "bytes"] = "binary"
    """Bernoulli pixels, binarised anew each time, or mixtures of discretised logistics."""
    resolutions: tuple[int, ...] = (1, 7, 14, 28)
    """Sides of the grids of latents, each a divisor of the next."""
    num_blocks: tuple[int, ...] = (2, 6, 4, 2)
    """Groups of latents at each resolution, and as many blocks of the encoder."""
    width: int = 32
    """Channels of the image that runs down."""
    latent_size: int = 8
    """Channels of the latents of each group."""
    rematerialise: bool = False
    """Keep only the image above each block for the backward pass: less memory, more time."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Type that the networks compute in; parameters and log-densities are float32 in any case."""
    batch_size: int = 64
    max_gradient_norm: Annotated[float, vj.Range(above=0)] = 200.0
    skip_above: Annotated[float, vj.Range(above=0)] = 1e3
    """Steps with a longer gradient change nothing."""
    average_decay: Annotated[float, vj.Range(at_least=0, below=1)] = 0.99
    """Decay of the average of the parameters, which is evaluated; nearer to 1 for more steps."""
    num_warm_up_epochs: int = 5
    """Passes through the training examples until the KL counts in full, from no weight at the start."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    likelihoods, is_binary = vj.models.likelihoods, config.likelihood == "binary"
    mixture = partial(likelihoods.discretised_logistic_mixture, 5, rgb=data.example_shape[2:] == (3,))
    model = vj.models.very_deep(
        data.mean(),
        likelihoods.bernoulli() if is_binary else mixture(),
        resolutions=config.resolutions,
        num_blocks=config.num_blocks,
        width=config.width,
        latent_size=config.latent_size,
        rematerialise=config.rematerialise,
        precision=config.precision,
    )
    beta = vj.objectives.linear_warm_up(config.num_warm_up_epochs * (len(data.train.examples) // config.batch_size))
    return vj.standard.experiment(
        config,
        data,
        model,
        vj.objectives.over_batch(vj.objectives.elbo, beta=beta),
        vj.data.binarise_dynamically(data.max_value) if is_binary else vj.data.scale(data.max_value),
        average_decay=config.average_decay,
        skip_above=config.skip_above,
    )
