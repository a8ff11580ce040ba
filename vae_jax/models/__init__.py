"""Models: networks and distributions joined to `Model(init, bind)`."""

from vae_jax.models import bottlenecks, likelihoods, posteriors
from vae_jax.models.amortised import amortised, autoencoder, gaussian, variational
from vae_jax.models.architectures import convolutional, fully_connected, residual
from vae_jax.models.clusters import with_clusters
from vae_jax.models.code_priors import with_code_prior
from vae_jax.models.conditional import conditional
from vae_jax.models.flow_posteriors import flow_posterior
from vae_jax.models.flow_priors import with_flow_prior
from vae_jax.models.hamiltonian import hamiltonian
from vae_jax.models.ladder import Rung, ladder
from vae_jax.models.ladders import convolutional_ladder, dense_ladder
from vae_jax.models.last_layer import with_last_layer
from vae_jax.models.latent_class import apart, m1_m2, with_latent_class
from vae_jax.models.latent_grid import latent_grid, with_standardised_latents, with_weights_of
from vae_jax.models.linear import linear, linear_autoencoder, pca
from vae_jax.models.merges import precision_weighted, residual_normal
from vae_jax.models.multimodal import Modality, multimodal
from vae_jax.models.priors import with_learned_normal_prior, with_mixture_prior, with_vamp_prior
from vae_jax.models.quantised import quantised
from vae_jax.models.semi_amortised import semi_amortised
from vae_jax.models.very_deep import very_deep

__all__ = [
    "Modality",
    "Rung",
    "amortised",
    "apart",
    "autoencoder",
    "bottlenecks",
    "conditional",
    "convolutional",
    "convolutional_ladder",
    "dense_ladder",
    "flow_posterior",
    "fully_connected",
    "gaussian",
    "hamiltonian",
    "ladder",
    "latent_grid",
    "likelihoods",
    "linear",
    "linear_autoencoder",
    "m1_m2",
    "multimodal",
    "pca",
    "posteriors",
    "precision_weighted",
    "quantised",
    "residual",
    "residual_normal",
    "semi_amortised",
    "variational",
    "very_deep",
    "with_clusters",
    "with_code_prior",
    "with_flow_prior",
    "with_last_layer",
    "with_latent_class",
    "with_learned_normal_prior",
    "with_mixture_prior",
    "with_standardised_latents",
    "with_vamp_prior",
    "with_weights_of",
]
