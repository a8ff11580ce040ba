"""Models whose posterior comes from an encoder network: the VAE, and its predecessor, the autoencoder."""

from __future__ import annotations

from collections.abc import Callable

import jax
from jaxtyping import Array

from vae_jax.distributions import PointMass, standard_normal
from vae_jax.messages import check_sizes
from vae_jax.models import posteriors
from vae_jax.models.likelihoods import Likelihood
from vae_jax.models.posteriors import Posterior
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
    """A VAE from an encoder, a decoder, and the distributions that their outputs parametrise.

    Args:
        encoder: From one example to the array that `posterior` expects.
        decoder: From z to the array that the likelihood expects.
        likelihood: From the decoder's output to p(x|z).
        posterior: From the encoder's output to q(z|x).
        prior: p(z), without learned parameters.

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
            shape, prior_shape = (jax.eval_shape(distribution.mean).shape for distribution in (q, prior))
            if shape != prior_shape:
                raise ValueError(
                    f"expected an encoder that makes a posterior over z of shape {prior_shape}, as the prior's; "
                    f"got shape {shape} from its output of shape {output.shape}; change its output size"
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
        likelihood: The family of p(x|z) for the decoder's output.
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
    return variational(encoder, decoder, likelihood, latent_size=latent_size, posterior=posteriors.diagonal())


def variational(
    encoder: Network, decoder: Network, likelihood: Likelihood, *, latent_size: int, posterior: Posterior
) -> Model:
    """The VAE with any family of `posteriors`, and the prior that goes with it.

    Args:
        encoder: From one example to `posterior.size(latent_size)` numbers.
        decoder: From `posterior.code(z)`, for most families z itself, to the array that the likelihood expects.
        likelihood: The family of p(x|z) for the decoder's output.
        latent_size: The number of latent variables.
        posterior: The family of q(z|x) for the encoder's output.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from vae_jax.networks import mlp
        >>> from vae_jax.models import likelihoods, posteriors
        >>> full = posteriors.full_covariance()
        >>> encoder, decoder = mlp((8, 8), (full.size(2),)), mlp((2,), (8, 8))
        >>> model = variational(encoder, decoder, likelihoods.bernoulli(), latent_size=2, posterior=full)
        >>> model.bind(model.init(jax.random.key(0))).posterior(jnp.zeros((8, 8))).scale_tril.shape
        (2, 2)
    """
    check_sizes(latent_size=latent_size)
    reader = Network(decoder.init, lambda params, z: decoder.apply(params, posterior.code(z)))
    prior = posterior.prior(latent_size)
    return amortised(encoder, reader, likelihood, posterior=posterior.bind, prior=prior)


def autoencoder(encoder: Network, decoder: Network, likelihood: Likelihood, *, latent_size: int) -> Model:
    """The autoencoder: each example has one code, without a distribution around it.

    Train it by `objectives.autoencoder`. Its prior is the standard normal that a VAE would have. Nothing pulls the
    codes towards it, and samples from it show what that costs.

    Args:
        encoder: From one example to `latent_size` numbers, its code.
        decoder: From a code to the array that the likelihood expects.
        likelihood: The family of p(x|z) for the decoder's output; `gaussian()` for the squared error.
        latent_size: The number of latent dimensions.
    """
    check_sizes(latent_size=latent_size)
    return amortised(encoder, decoder, likelihood, posterior=PointMass, prior=standard_normal(latent_size))
