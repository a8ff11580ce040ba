"""Models: networks and distributions joined to `Model(init, bind)`."""

from vae_jax.models import likelihoods, posteriors
from vae_jax.models.amortised import amortised, autoencoder, gaussian, variational
from vae_jax.models.linear import linear, linear_autoencoder, pca
from vae_jax.models.priors import with_learned_normal_prior, with_mixture_prior, with_vamp_prior

__all__ = [
    "amortised",
    "autoencoder",
    "gaussian",
    "likelihoods",
    "linear",
    "linear_autoencoder",
    "pca",
    "posteriors",
    "variational",
    "with_learned_normal_prior",
    "with_mixture_prior",
    "with_vamp_prior",
]
