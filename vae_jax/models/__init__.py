"""Models: networks and distributions joined to `Model(init, bind)`."""

from vae_jax.models import likelihoods
from vae_jax.models.amortised import amortised, autoencoder, gaussian
from vae_jax.models.flow_posteriors import flow_posterior
from vae_jax.models.flow_priors import with_flow_prior
from vae_jax.models.linear import linear, linear_autoencoder, pca
from vae_jax.models.semi_amortised import semi_amortised

__all__ = [
    "amortised",
    "autoencoder",
    "flow_posterior",
    "gaussian",
    "likelihoods",
    "linear",
    "linear_autoencoder",
    "pca",
    "semi_amortised",
    "with_flow_prior",
]
