"""Objectives: pure functions of one example, in nats, higher is better, and the step from one example to a batch."""

from vae_jax.objectives.autoencoder import autoencoder
from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.elbo import elbo
from vae_jax.objectives.iwae import iwae
from vae_jax.objectives.kl_estimators import analytic_kl, sampled_kl, sticking_the_landing_kl
from vae_jax.objectives.optimal_scale import over_batch_with_optimal_scale
from vae_jax.objectives.over_draws import over_draws

__all__ = [
    "analytic_kl",
    "autoencoder",
    "elbo",
    "iwae",
    "over_batch",
    "over_batch_with_optimal_scale",
    "over_draws",
    "sampled_kl",
    "sticking_the_landing_kl",
]
