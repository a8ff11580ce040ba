"""Models whose posterior comes from an encoder network: the VAE, and the autoencoder before it."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.distributions import Normal, PointMass, standard_normal
from vae_jax.models.likelihoods import Likelihood
from vae_jax.networks import Network
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Model


def amortised(
    encoder: Network,
    decoder: Network,
    likelihood: Likelihood,
    *,
    posterior: Callable[[Array], Distribution],
    prior: Distribution,
) -> Model:
    """A VAE from an encoder, a decoder, and what their outputs mean.

    Args:
        encoder: From one example to the array that `posterior` expects.
        decoder: From z to the array that the likelihood expects.
        likelihood: From the decoder's output to p(x|z).
        posterior: From the encoder's output to q(z|x).
        prior: p(z), with nothing to learn.

    Returns:
        A model with the parameters `{"encoder", "decoder", "likelihood"}`. Where the encoder's output does not fit the
        prior, binding it and calling the posterior raises a ValueError that names both shapes.
    """

    def init(key: Key) -> Params:
        encoder_key, decoder_key, likelihood_key = jax.random.split(key, 3)
        return {
            "encoder": encoder.init(encoder_key),
            "decoder": decoder.init(decoder_key),
            "likelihood": likelihood.init(likelihood_key),
        }

    def bind(params: Params) -> VAE:
        def posterior_of(x: Array) -> Distribution:
            output = encoder.apply(params["encoder"], x)
            q = posterior(output)
            if q.mean().shape != prior.mean().shape:
                raise ValueError(
                    f"expected an encoder that makes a posterior over z of shape {prior.mean().shape}, as the prior's; "
                    f"got shape {q.mean().shape} from its output of shape {output.shape}; change its output size"
                )
            return q

        def likelihood_of(z: Array) -> Distribution:
            return likelihood.bind(params["likelihood"], decoder.apply(params["decoder"], z))

        return VAE(posterior_of, likelihood_of, prior)

    return Model(init, bind)


def gaussian(encoder: Network, decoder: Network, likelihood: Likelihood, *, latent_size: int) -> Model:
    """The VAE: q(z|x) = N(μ(x), diag σ²(x)) and p(z) = N(0, I).

    Args:
        encoder: From one example to 2 · latent_size numbers: the means, then the logarithms of the scales.
        decoder: From `latent_size` numbers to the array that the likelihood expects.
        likelihood: What the decoder's output means.
        latent_size: The number of latent dimensions.

    Source: Kingma & Welling 2014, arXiv:1312.6114, section 3.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.networks import mlp
        >>> from vae_jax.models.likelihoods import bernoulli
        >>> model = gaussian(mlp((8, 8), (4,)), mlp((2,), (8, 8)), bernoulli(), latent_size=2)
        >>> vae = model.bind(model.init(jax.random.key(0)))
        >>> vae.posterior(jnp.zeros((8, 8))).mean().shape
        (2,)
    """

    def diagonal(output: Array) -> Normal:
        loc, log_scale = jnp.split(output, 2)
        return Normal(loc, jnp.exp(log_scale))

    return amortised(encoder, decoder, likelihood, posterior=diagonal, prior=standard_normal(latent_size))


def autoencoder(encoder: Network, decoder: Network, likelihood: Likelihood, *, latent_size: int) -> Model:
    """The autoencoder: each example has one code, without a distribution around it.

    Train it by `objectives.autoencoder`. Its prior is the standard normal that a VAE would have. Nothing pulls the
    codes towards it, and samples from it show what that costs.

    Args:
        encoder: From one example to `latent_size` numbers, its code.
        decoder: From a code to the array that the likelihood expects.
        likelihood: What the decoder's output means; `gaussian()` for the squared error.
        latent_size: The number of latent dimensions.
    """
    return amortised(encoder, decoder, likelihood, posterior=PointMass, prior=standard_normal(latent_size))
