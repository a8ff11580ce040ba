"""Autoencoders with a grid of latents: the first stage of latent diffusion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.distributions import Normal
from vae_jax.messages import check_sizes
from vae_jax.models.amortised import amortised
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.part import after_of_part
from vae_jax.networks import Network, read_safetensors
from vae_jax.types import Key, Params
from vae_jax.untrained import Untrained, values_of
from vae_jax.vae import VAE, Model, of_each_vae


def latent_grid(encoder: Network, decoder: Network, likelihood: Likelihood, *, shape: Sequence[int]) -> Model:
    """The VAE whose latents are a grid of channels: q(z|x) = N(μ(x), diag σ²(x)) and p(z) = N(0, I) of one shape.

    Args:
        encoder: From an image to (h, w, 2 C): the means, then the logarithms of the variances, which are held in
            [−30, 20], as in latent diffusion; `networks.autoencoder_kl` has one.
        decoder: From (h, w, C) to the array that the likelihood expects.
        likelihood: The family of p(x|z).
        shape: (h, w, C), of the latents.

    Source: Rombach et al. 2022, arXiv:2112.10752, section 3.1 (the KL-regularised autoencoder).

    Example:
        >>> import jax
        >>> from vae_jax.models import likelihoods
        >>> from vae_jax.networks import autoencoder_kl
        >>> encoder, decoder = autoencoder_kl(channels=(4, 8), num_blocks=1, num_groups=2)
        >>> model = latent_grid(encoder, decoder, likelihoods.gaussian(), shape=(4, 4, 4))
        >>> model.bind(model.init(jax.random.key(0))).posterior(jnp.zeros((8, 8, 3))).mean().shape
        (4, 4, 4)
    """
    check_sizes(shape=shape)

    def posterior(output: Float[Array, "height width twice"]) -> Normal:
        loc, log_variance = jnp.split(output, 2, axis=-1)
        return Normal(loc, jnp.exp(0.5 * jnp.clip(log_variance, -30, 20)))

    prior = Normal(jnp.zeros(tuple(shape)), jnp.ones(tuple(shape)))
    return amortised(encoder, decoder, likelihood, posterior=posterior, prior=prior)


def with_weights_of(params: Params, path: str | Path) -> Params:
    """Parameters of `latent_grid` around `networks.autoencoder_kl`, with the weights of a file of diffusers.

    Args:
        params: The parameters, from `init`; those of the likelihood stay.
        path: `diffusion_pytorch_model.safetensors` of an `AutoencoderKL`. Its images are (height, width, 3) in [−1, 1].

    Raises:
        ValueError: As `networks.read_safetensors` does: if a tensor is missing, not wanted, or of another shape.
    """
    read = read_safetensors(path, {**params["encoder"], **params["decoder"]})
    return params | {part: {name: read[name] for name in params[part]} for part in ("encoder", "decoder")}


def with_standardised_latents(model: Model, num_channels: int) -> Model:
    """The same VAE in units in which each channel of its latents has mean 0 and scale 1 over the data.

    u = (z − m)/s is drawn, encoded and decoded in place of z, whose bound is the same. A model of the latents, which
    needs one scale for them, is fitted to u, and no factor such as Stable Diffusion's 0.18215 has to be carried beside
    the weights.

    Args:
        model: A model with `Normal` posterior and prior of z, channels last.
        num_channels: The number of channels.

    Returns:
        A model with the parameters `{"model", "moments"}`. The moments, m and s of each channel, are `Untrained`: 0 and
        1 until `evaluation.latent_moments` has measured them.

    Source: Rombach et al. 2022, arXiv:2112.10752, appendix G (rescaling by the deviation of the first batch).
        Differs from the paper: each channel has its own mean and scale, over all data.
    """
    check_sizes(num_channels=num_channels)

    def init(key: Key) -> Params:
        moments = {"mean": jnp.zeros(num_channels), "scale": jnp.ones(num_channels)}
        return {"model": model.init(key), "moments": Untrained(moments)}

    def bind(params: Params) -> Any:
        moments = values_of(params["moments"])
        mean, scale = moments["mean"], moments["scale"]

        def standardised(normal: Any) -> Normal:
            if not isinstance(normal, Normal):
                raise TypeError(f"expected latents that are Normal; got a {type(normal).__name__}")
            return Normal((normal.loc - mean) / scale, normal.scale / scale)

        def in_units(vae: VAE) -> VAE:
            return VAE(
                lambda x: standardised(vae.posterior(x)),
                lambda u: vae.likelihood(u * scale + mean),
                standardised(vae.prior),
            )

        return of_each_vae(in_units, model.bind(params["model"]))

    return Model(init, bind, after_of_part(model, "model"))
