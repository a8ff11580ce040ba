"""The library's side: its models, and an epoch of its training without the duties around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import numpy as np
import optax
from benchmarks.settings import BATCH_SIZE, HIDDEN_SIZE, LATENT_SIZE, LEARNING_RATE

import vae_jax as vj
from vae_jax.data.feed import Feed, make_feed
from vae_jax.training.advance import advance, start

IMAGE_SHAPE = (28, 28)


def mlp_model(hidden_sizes: Sequence[int] = (HIDDEN_SIZE,), mean_image: np.ndarray | None = None) -> vj.Model:
    """784-400-20 and back, rectifiers, Bernoulli pixels.

    Args:
        hidden_sizes: Of encoder and decoder.
        mean_image: Of the data, in [0, 1]: the output bias then starts at its logit; None for a start at zero.
    """
    likelihood = vj.models.likelihoods.bernoulli()
    bias = 0.0 if mean_image is None else likelihood.output_bias(mean_image)
    return vj.models.gaussian(
        encoder=vj.networks.mlp(IMAGE_SHAPE, (2 * LATENT_SIZE,), hidden_sizes),
        decoder=vj.networks.mlp((LATENT_SIZE,), IMAGE_SHAPE, hidden_sizes, output_bias=bias),
        likelihood=likelihood,
        latent_size=LATENT_SIZE,
    )


def conv_model() -> vj.Model:
    """Two convolutions of kernel 4 and stride 2 with 32 and 64 channels, and their mirror image."""
    return vj.models.gaussian(
        encoder=vj.networks.conv_encoder(IMAGE_SHAPE, 2 * LATENT_SIZE, (32, 64)),
        decoder=vj.networks.conv_decoder(LATENT_SIZE, IMAGE_SHAPE, (64, 32)),
        likelihood=vj.models.likelihoods.bernoulli(),
        latent_size=LATENT_SIZE,
    )


def adam_trainer(model: vj.Model) -> vj.Trainer:
    """The ELBO by Adam."""
    return vj.trainer(model, vj.objectives.over_batch(vj.objectives.elbo), optax.adam(LEARNING_RATE))


def feed_of(images: np.ndarray, transform: vj.data.Transform) -> Feed:
    """Batches as `vae_jax.run` makes them."""
    return make_feed(images, transform.apply, BATCH_SIZE, jax.random.key(1))


def epochs(trainer: vj.Trainer, feed: Feed) -> Callable[[], None]:
    """A function that trains for another epoch each time it is called, by `vae_jax.training.advance`."""
    progress = start(trainer, feed, jax.random.key(0))
    run_steps = advance(trainer, feed)

    def another_epoch() -> None:
        nonlocal progress
        progress = run_steps(progress, iter(()), feed.num_steps_per_epoch)
        jax.block_until_ready(progress)

    return another_epoch
