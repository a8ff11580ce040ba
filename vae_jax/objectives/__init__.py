"""Objectives: pure functions of one example or of a batch, in nats, higher is better, and the step between them."""

from vae_jax.objectives.adversarial_autoencoder import adversarial_autoencoder, prior_discriminator
from vae_jax.objectives.aggregate import minibatch_stratified, minibatch_weighted
from vae_jax.objectives.autoencoder import autoencoder
from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.beta_tc import beta_tcvae
from vae_jax.objectives.contractive import contractive_autoencoder
from vae_jax.objectives.corruption import denoising, gaussian_noise, masking, salt_and_pepper
from vae_jax.objectives.dip import covariance_of_codes, covariance_of_means, dip_vae
from vae_jax.objectives.elbo import elbo
from vae_jax.objectives.factor_vae import factor_vae, factor_vae_discriminator, permute_codes
from vae_jax.objectives.iwae import iwae
from vae_jax.objectives.jacobian import exact_jacobian_norm, probed_jacobian_norm
from vae_jax.objectives.kl_estimators import analytic_kl, sampled_kl, sticking_the_landing_kl
from vae_jax.objectives.matching import info_vae, wae
from vae_jax.objectives.maximum_mean_discrepancy import (
    gaussian_kernel,
    inverse_multiquadric_kernel,
    maximum_mean_discrepancy,
)
from vae_jax.objectives.over_draws import over_draws
from vae_jax.objectives.rae import rae
from vae_jax.objectives.scheduled import scheduled
from vae_jax.objectives.sliced_wasserstein import sliced_wasserstein

__all__ = [
    "adversarial_autoencoder",
    "analytic_kl",
    "autoencoder",
    "beta_tcvae",
    "contractive_autoencoder",
    "covariance_of_codes",
    "covariance_of_means",
    "denoising",
    "dip_vae",
    "elbo",
    "exact_jacobian_norm",
    "factor_vae",
    "factor_vae_discriminator",
    "gaussian_kernel",
    "gaussian_noise",
    "info_vae",
    "inverse_multiquadric_kernel",
    "iwae",
    "masking",
    "maximum_mean_discrepancy",
    "minibatch_stratified",
    "minibatch_weighted",
    "over_batch",
    "over_draws",
    "permute_codes",
    "prior_discriminator",
    "probed_jacobian_norm",
    "rae",
    "salt_and_pepper",
    "sampled_kl",
    "scheduled",
    "sliced_wasserstein",
    "sticking_the_landing_kl",
    "wae",
]
