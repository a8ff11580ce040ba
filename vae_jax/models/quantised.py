"""Autoencoders whose latent is an array of codes from a finite set."""

from __future__ import annotations

from typing import Any

import jax
from jaxtyping import Array, Float

from vae_jax.distributions import Coded, Quantised, uniform_codes
from vae_jax.models.bottlenecks import Bottleneck
from vae_jax.models.likelihoods import Likelihood
from vae_jax.networks import Network
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Model


def quantised(
    encoder: Network, decoder: Network, likelihood: Likelihood, *, bottleneck: Bottleneck, places: tuple[int, ...]
) -> Model:
    """The autoencoder whose encoder's vectors are replaced by those of codes; its prior has all codes equally likely.

    Its ELBO is log p(x|z) − log K for each place, a bound on log p(x): the KL is the length of the message that names
    the codes. Train it by `objectives.quantised_autoencoder`. A prior that is learned afterwards shortens the message.

    Args:
        encoder: From one example to an array of shape (*places, bottleneck.size).
        decoder: From an array of that shape to the one that the likelihood expects.
        likelihood: The family of p(x|z) for the decoder's output.
        bottleneck: The codes: one of `models.bottlenecks`.
        places: The shape of the array of codes: (7, 7) for a grid.

    Returns:
        A model with the parameters `{"encoder", "decoder", "likelihood", "bottleneck"}`. If the encoder's output has
        another shape, its posterior raises a ValueError that names both.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, section 3.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.models import bottlenecks, likelihoods
        >>> from vae_jax.networks import mlp
        >>> encoder, decoder = mlp((8, 8), (5, 3)), mlp((5, 3), (8, 8))
        >>> codes = bottlenecks.fsq((8, 6, 5))
        >>> model = quantised(encoder, decoder, likelihoods.bernoulli(), bottleneck=codes, places=(5,))
        >>> model.bind(model.init(jax.random.key(0))).posterior(jnp.zeros((8, 8))).codes.shape
        (5,)
    """

    def init(key: Key) -> Params:
        parts = {"encoder": encoder, "decoder": decoder, "likelihood": likelihood, "bottleneck": bottleneck}
        keys = jax.random.split(key, len(parts))
        return {name: part.init(key) for key, (name, part) in zip(keys, parts.items(), strict=True)}

    def bind(params: Params) -> VAE:
        def posterior_of(x: Array) -> Quantised:
            encoded = encoder.apply(params["encoder"], x)
            if encoded.shape != (*places, bottleneck.size):
                raise ValueError(
                    f"expected an encoder with an output of shape {(*places, bottleneck.size)}, a vector for each "
                    f"place; got {encoded.shape}; change its output, or places"
                )
            return bottleneck.quantise(params["bottleneck"], encoded)

        def likelihood_of(z: Float[Array, "*event"]) -> Distribution:
            return likelihood.bind(params["likelihood"], decoder.apply(params["decoder"], bottleneck.read(z)))

        codes = uniform_codes(bottleneck.codes_shape(places), bottleneck.num_codes)
        prior = Coded(codes, params["bottleneck"], bottleneck.look_up, bottleneck.find)
        return VAE(posterior_of, likelihood_of, prior)

    follow = bottleneck.after

    def after(params: Params, seen: Any) -> Params:
        assert follow is not None
        if not seen:
            raise ValueError(
                "expected an objective that shows its codes to the codebook, which follows them; got one that gives "
                "values and metrics alone; use objectives.quantised_autoencoder"
            )
        return params | {"bottleneck": follow(params["bottleneck"], seen)}

    return Model(init, bind, None if follow is None else after)
