"""Likelihoods: maps from a decoder's output to p(x|z)."""

from vae_jax.models.likelihoods.columns import mixed_columns
from vae_jax.models.likelihoods.counts import (
    negative_binomial,
    poisson,
    zero_inflated_negative_binomial,
    zero_inflated_poisson,
)
from vae_jax.models.likelihoods.gaussian import gaussian, gaussian_with_learned_scale, gaussian_with_scale_per_pixel
from vae_jax.models.likelihoods.levels import (
    categorical_pixels,
    discretised_logistic,
    discretised_logistic_mixture,
    discretised_logistic_with_scale_per_pixel,
)
from vae_jax.models.likelihoods.likelihood import Likelihood
from vae_jax.models.likelihoods.long_tailed import laplace, student_t
from vae_jax.models.likelihoods.unit_interval import bernoulli, beta, continuous_bernoulli

__all__ = [
    "Likelihood",
    "bernoulli",
    "beta",
    "categorical_pixels",
    "continuous_bernoulli",
    "discretised_logistic",
    "discretised_logistic_mixture",
    "discretised_logistic_with_scale_per_pixel",
    "gaussian",
    "gaussian_with_learned_scale",
    "gaussian_with_scale_per_pixel",
    "laplace",
    "mixed_columns",
    "negative_binomial",
    "poisson",
    "student_t",
    "zero_inflated_negative_binomial",
    "zero_inflated_poisson",
]
