"""The quality of a trained model: bounds, likelihoods, and the use of the latent dimensions."""

from vae_jax.evaluation.bound import bound_evaluator, lanes_validator, standard_error, validator
from vae_jax.evaluation.classes import (
    adjusted_rand_index,
    best_assignment_accuracy,
    class_errors,
    classes,
    cluster_agreement,
    error_rate,
    nearest_code_errors,
)
from vae_jax.evaluation.coherence import cross_coherence
from vae_jax.evaluation.evaluate import bits_per_dim, evaluate, evaluator
from vae_jax.evaluation.fitted import Fit, Fitted
from vae_jax.evaluation.latent import Code, code, most_active, num_active_units
from vae_jax.evaluation.latent_moments import LatentMoments, latent_moments
from vae_jax.evaluation.likelihood import LogLikelihood, importance_sampled_log_likelihood
from vae_jax.evaluation.over_examples import example_keys, over_examples

__all__ = [
    "Code",
    "Fit",
    "Fitted",
    "LatentMoments",
    "LogLikelihood",
    "adjusted_rand_index",
    "best_assignment_accuracy",
    "bits_per_dim",
    "bound_evaluator",
    "class_errors",
    "classes",
    "cluster_agreement",
    "code",
    "cross_coherence",
    "error_rate",
    "evaluate",
    "evaluator",
    "example_keys",
    "importance_sampled_log_likelihood",
    "lanes_validator",
    "latent_moments",
    "most_active",
    "nearest_code_errors",
    "num_active_units",
    "over_examples",
    "standard_error",
    "validator",
]
