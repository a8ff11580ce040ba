"""The mean and the scale of each channel of a grid of latents, over data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vae_jax.data.examples import Examples
from vae_jax.evaluation.every_example import over_examples
from vae_jax.types import Key, Params
from vae_jax.vae import Model, at_example


class LatentMoments(NamedTuple):
    """Moments of z ~ q(z|x) with x from the data, by channel: the last axis of z."""

    mean: Float[np.ndarray, " channel"]
    """The mean over examples, draws and places."""
    scale: Float[np.ndarray, " channel"]
    """The standard deviation around it; 1/scale is the factor that a latent diffusion multiplies its latents by."""


def latent_moments(
    model: Model, transform: Callable[[Key, Any], Any], params: Params, examples: Examples, *, seed: int = 0
) -> LatentMoments:
    """The moments of a model's latents over a split, with one draw for each example.

    They are kept with the model as the parameter `moments` of `models.with_standardised_latents`.

    Args:
        model: A model whose latents are one array.
        transform: `(key, stored example) -> x`.
        params: Its parameters.
        examples: The examples, as stored.
        seed: Seed of the evaluation's own randomness.

    Source: Rombach et al. 2022, arXiv:2112.10752, appendix G. Differs from the paper: by channel, with its mean, and
    over all examples; 0.18215 is one over the scale of all channels of a batch.
    """

    def of_one(key: Key, params: Params, example: Any) -> tuple[Array, Array]:
        vae, x = at_example(model.bind(params), example)
        z = jnp.asarray(vae.posterior(x).sample(key))
        places = z.reshape(-1, z.shape[-1])
        centre = places.mean(axis=0)
        return centre, jnp.square(places - centre).mean(axis=0)

    means, variances = jax.tree.map(
        lambda rows: np.asarray(rows, np.float64), over_examples(of_one, transform, seed=seed)(params, examples)
    )
    # The variance of all is the mean of those within examples and the variance of the means.
    return LatentMoments(means.mean(axis=0), np.sqrt(variances.mean(axis=0) + means.var(axis=0)))
