"""Objectives: pure functions of one example, in nats, higher is better, and the step from one example to a batch."""

from vae_jax.objectives.autoencoder import autoencoder
from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.elbo import elbo
from vae_jax.objectives.estimators import doubly_reparametrised, pathwise, sticking_the_landing
from vae_jax.objectives.geco import geco
from vae_jax.objectives.iwae import ciwae, iwae, miwae, piwae
from vae_jax.objectives.kl_estimators import analytic_kl, analytic_kl_per_dimension, sampled_kl
from vae_jax.objectives.kl_penalties import capacity, free_bits
from vae_jax.objectives.over_draws import over_draws
from vae_jax.objectives.renyi import renyi, vr_max
from vae_jax.objectives.schedules import cyclic, linear_warm_up, sigmoid
from vae_jax.objectives.score_function import leave_one_out, score_function
from vae_jax.objectives.tvo import tvo

__all__ = [
    "analytic_kl",
    "analytic_kl_per_dimension",
    "autoencoder",
    "capacity",
    "ciwae",
    "cyclic",
    "doubly_reparametrised",
    "elbo",
    "free_bits",
    "geco",
    "iwae",
    "leave_one_out",
    "linear_warm_up",
    "miwae",
    "over_batch",
    "over_draws",
    "pathwise",
    "piwae",
    "renyi",
    "sampled_kl",
    "score_function",
    "sigmoid",
    "sticking_the_landing",
    "tvo",
    "vr_max",
]
