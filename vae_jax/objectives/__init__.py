"""Objectives: pure functions of one example or a batch, in nats, higher is better, and the lift between the two."""

from vae_jax.objectives.autoencoders.adversarial_autoencoder import adversarial_autoencoder, prior_discriminator
from vae_jax.objectives.autoencoders.autoencoder import autoencoder
from vae_jax.objectives.autoencoders.contractive import contractive_autoencoder
from vae_jax.objectives.autoencoders.corruption import denoising, gaussian_noise, masking, salt_and_pepper
from vae_jax.objectives.autoencoders.jacobian import exact_jacobian_norm, probed_jacobian_norm
from vae_jax.objectives.autoencoders.rae import rae
from vae_jax.objectives.autoencoders.tokenizer import patch_discriminator, tokenizer
from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.bounds.elbo import elbo
from vae_jax.objectives.bounds.geco import geco
from vae_jax.objectives.bounds.iwae import ciwae, iwae, miwae, piwae
from vae_jax.objectives.bounds.kl_estimators import (
    analytic_kl,
    analytic_kl_per_dimension,
    analytic_kl_per_group,
    component_kl,
    hamiltonian_kl,
    sampled_kl,
)
from vae_jax.objectives.bounds.kl_penalties import capacity, free_bits, weighted_parts
from vae_jax.objectives.bounds.optimal_scale import over_batch_with_optimal_scale
from vae_jax.objectives.bounds.over_classes import elbo_of_class, elbo_over_classes
from vae_jax.objectives.bounds.renyi import renyi, vr_max
from vae_jax.objectives.bounds.semi_supervised import semi_supervised, side_by_side
from vae_jax.objectives.bounds.stratified import stratified_elbo
from vae_jax.objectives.bounds.tvo import tvo
from vae_jax.objectives.bounds.vade import vade
from vae_jax.objectives.discrepancies.maximum_mean_discrepancy import (
    gaussian_kernel,
    inverse_multiquadric_kernel,
    maximum_mean_discrepancy,
)
from vae_jax.objectives.discrepancies.sliced_wasserstein import sliced_wasserstein
from vae_jax.objectives.gradients.estimators import doubly_reparametrised, pathwise, sticking_the_landing
from vae_jax.objectives.gradients.score_function import leave_one_out, score_function
from vae_jax.objectives.of_a_batch.aggregate import minibatch_stratified, minibatch_weighted
from vae_jax.objectives.of_a_batch.beta_tc import beta_tcvae
from vae_jax.objectives.of_a_batch.dip import covariance_of_codes, covariance_of_means, dip_vae
from vae_jax.objectives.of_a_batch.factor_vae import factor_vae, factor_vae_discriminator, permute_codes
from vae_jax.objectives.of_a_batch.matching import info_vae, wae
from vae_jax.objectives.of_a_batch.quantised import quantised_autoencoder, use_of_codes
from vae_jax.objectives.over_draws import over_draws
from vae_jax.objectives.scheduled import scheduled
from vae_jax.objectives.schedules import cyclic, linear_warm_up, sigmoid
from vae_jax.stated import coupled, separable, smooth

__all__ = [
    "adversarial_autoencoder",
    "analytic_kl",
    "analytic_kl_per_dimension",
    "analytic_kl_per_group",
    "autoencoder",
    "beta_tcvae",
    "capacity",
    "ciwae",
    "component_kl",
    "contractive_autoencoder",
    "coupled",
    "covariance_of_codes",
    "covariance_of_means",
    "cyclic",
    "denoising",
    "dip_vae",
    "doubly_reparametrised",
    "elbo",
    "elbo_of_class",
    "elbo_over_classes",
    "exact_jacobian_norm",
    "factor_vae",
    "factor_vae_discriminator",
    "free_bits",
    "gaussian_kernel",
    "gaussian_noise",
    "geco",
    "hamiltonian_kl",
    "info_vae",
    "inverse_multiquadric_kernel",
    "iwae",
    "leave_one_out",
    "linear_warm_up",
    "masking",
    "maximum_mean_discrepancy",
    "minibatch_stratified",
    "minibatch_weighted",
    "miwae",
    "over_batch",
    "over_batch_with_optimal_scale",
    "over_draws",
    "patch_discriminator",
    "pathwise",
    "permute_codes",
    "piwae",
    "prior_discriminator",
    "probed_jacobian_norm",
    "quantised_autoencoder",
    "rae",
    "renyi",
    "salt_and_pepper",
    "sampled_kl",
    "scheduled",
    "score_function",
    "semi_supervised",
    "separable",
    "side_by_side",
    "sigmoid",
    "sliced_wasserstein",
    "smooth",
    "sticking_the_landing",
    "stratified_elbo",
    "tokenizer",
    "tvo",
    "use_of_codes",
    "vade",
    "vr_max",
    "wae",
    "weighted_parts",
]
