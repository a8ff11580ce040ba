"""A tokenizer of images: a grid of latents, trained by pixels, features and a discriminator of patches.

Esser, Rombach & Ommer 2021 (arXiv:2012.09841), Rombach et al. 2022 (arXiv:2112.10752): the networks of latent
diffusion, small, with a little KL. The features are differences of neighbouring pixels; a perceptual network of your
own takes their place. `latent_mean_*` and `latent_scale_*` are measured over the data, for a model of the latents.

Measured (`vae-jax train tokenizer`, 240 steps): squared error 6.68 a digit of 784 pixels in [0, 1], from a grid of
7 x 7 x 2; that of the mean digit is 53.1 (docs/results/tokenizer.md).
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.Training):
    latent_channels: int = 2
    """Channels of the grid of latents."""
    channels: tuple[int, ...] = (8, 16, 16)
    """Channels of each level of the networks, multiples of 4; the image is halved between two."""
    num_blocks: int = 1
    """Residual blocks a level."""
    beta: Annotated[float, vj.Range(at_least=0)] = 0.1
    """Weight of the KL; small, since the latents are to be modelled afterwards."""
    scale: Annotated[float, vj.Range(above=0)] = 0.1
    """Deviation of the noise of a pixel in [0, 1]."""
    feature_weight: Annotated[float, vj.Range(at_least=0)] = 10.0
    """Weight of the squared distance of edges."""
    adversarial_weight: Annotated[float, vj.Range(at_least=0)] = 0.2
    """Weight of the discriminator, beside the one that makes gradients equally long."""
    adversarial_start: int = 100
    """Step from which the discriminator counts."""
    discriminator_channels: tuple[int, ...] = (16, 32)
    """Channels of the convolutions of the discriminator, whose patches are as large as the last of them sees."""
    discriminator_learning_rate: Annotated[float, vj.Range(at_least=0)] = 2e-4
    """Learning rate of the discriminator's Adam."""
    num_epochs: int = 6


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    import jax
    import jax.numpy as jnp
    import optax

    is_grey = len(data.example_shape) == 2
    height, width, colours = (*data.example_shape, 1) if is_grey else data.example_shape
    likelihood, factor = vj.models.likelihoods.gaussian(config.scale), 2 ** (len(config.channels) - 1)
    networks = vj.networks.autoencoder_kl(
        image_channels=colours,
        latent_channels=config.latent_channels,
        channels=config.channels,
        num_blocks=config.num_blocks,
        num_groups=4,
    )
    grid = (height // factor, width // factor, config.latent_channels)
    model = vj.models.latent_grid(*networks, likelihood, shape=grid)
    model = vj.models.with_last_layer(model, "decoder", "decoder.conv_out.weight")
    with_channel = vj.data.Transform(
        lambda key, x: x[..., None] if is_grey else x, "with a channel", lambda x: x[..., 0] if is_grey else x
    )
    transform = vj.data.chain(vj.data.scale(data.max_value), with_channel)

    def edges(image: jax.Array) -> list[jax.Array]:
        return [jnp.diff(image, axis=0), jnp.diff(image, axis=1)]

    bound = partial(vj.objectives.elbo, beta=config.beta)
    objective = partial(
        vj.objectives.tokenizer,
        objective=vj.objectives.over_batch(bound),
        features=edges,
        feature_weight=config.feature_weight,
        adversarial_weight=config.adversarial_weight,
        start_step=config.adversarial_start,
    )
    players = vj.training.adversarial_trainer(
        model,
        objective,
        optax.adam(config.learning_rate),
        discriminator=vj.networks.grid_encoder(
            (height, width, colours), 1, config.discriminator_channels, "leaky_relu"
        ),
        discriminator_objective=vj.objectives.patch_discriminator,
        discriminator_optimizer=optax.adam(config.discriminator_learning_rate, b1=0.5),
    )

    def measures(params) -> dict[str, float]:
        moments = vj.evaluation.latent_moments(model, transform.apply, params, data.split("test").examples)
        found = {"latent_mean": moments.mean, "latent_scale": moments.scale}
        return {f"{name}_{channel}": float(v) for name, values in found.items() for channel, v in enumerate(values)}

    budget = vj.standard.budget(config, data)
    # An image takes so long to decode that the report's NLL has few samples.
    return vj.Experiment(model, players, data, transform, budget, config.seed, measures=measures, num_samples=2)
