"""Models: networks and distributions joined to `Model(init, bind)`."""

from vae_jax.models import likelihoods
from vae_jax.models.amortised import amortised, autoencoder, gaussian
from vae_jax.models.linear import linear, linear_autoencoder, pca

__all__ = ["amortised", "autoencoder", "gaussian", "likelihoods", "linear", "linear_autoencoder", "pca"]
