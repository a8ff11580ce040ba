"""The quality of a trained model: bounds, likelihoods and how far they can be trusted, and the use of the latents."""

from typing import TYPE_CHECKING

from vae_jax.lazy import names_on_first_use

if TYPE_CHECKING:
    from vae_jax.evaluation.bound import bound_evaluator, lanes_validator, standard_error, validator
    from vae_jax.evaluation.class_labels import (
        adjusted_rand_index,
        best_assignment_accuracy,
        class_errors,
        classes,
        cluster_agreement,
        error_rate,
        nearest_code_errors,
    )
    from vae_jax.evaluation.coherence import cross_coherence
    from vae_jax.evaluation.disentanglement.importance import Dci, dci
    from vae_jax.evaluation.disentanglement.interventions import Draws, beta_vae_score, factor_vae_score
    from vae_jax.evaluation.disentanglement.mutual_information import (
        modularity,
        mutual_information,
        mutual_information_gap,
    )
    from vae_jax.evaluation.disentanglement.separated import separated_attribute_predictability
    from vae_jax.evaluation.every_example import example_keys, over_examples
    from vae_jax.evaluation.evidence.annealed import Annealed, annealed
    from vae_jax.evaluation.evidence.annealing import (
        Path,
        Walk,
        lower_bound,
        temperatures_of,
        thermodynamic_integral,
        upper_bound,
        walk,
    )
    from vae_jax.evaluation.evidence.certificate import Certificate, Interval, certifier, gap, two_sided
    from vae_jax.evaluation.evidence.flat import Flat, flat
    from vae_jax.evaluation.evidence.importance_sampling import importance_sampled_log_likelihood
    from vae_jax.evaluation.evidence.pareto import pareto_k
    from vae_jax.evaluation.evidence.proposals import fitted_proposal
    from vae_jax.evaluation.evidence.settings import Annealing
    from vae_jax.evaluation.evidence.weights import LogLikelihood, of_weights
    from vae_jax.evaluation.fitted import Fit, Fitted
    from vae_jax.evaluation.latent import Code, code, most_active, num_active_units
    from vae_jax.evaluation.latent_space.completeness import share_far_from
    from vae_jax.evaluation.latent_space.continuity import Continuity, continuity
    from vae_jax.evaluation.latent_space.information import Information, information
    from vae_jax.evaluation.latent_space.order import latent_order
    from vae_jax.evaluation.moments import LatentMoments, latent_moments
    from vae_jax.evaluation.reported import bits_per_dim, evaluate, evaluator
    from vae_jax.evaluation.samples.distances import KernelDistance, frechet_distance, kernel_distance
    from vae_jax.evaluation.samples.neighbours import Neighbourhoods, neighbourhoods

_HOMES = {
    "Annealed": "evidence.annealed",
    "Annealing": "evidence.settings",
    "Certificate": "evidence.certificate",
    "Code": "latent",
    "Continuity": "latent_space.continuity",
    "Dci": "disentanglement.importance",
    "Draws": "disentanglement.interventions",
    "Fit": "fitted",
    "Fitted": "fitted",
    "Flat": "evidence.flat",
    "Information": "latent_space.information",
    "Interval": "evidence.certificate",
    "KernelDistance": "samples.distances",
    "LatentMoments": "moments",
    "LogLikelihood": "evidence.weights",
    "Neighbourhoods": "samples.neighbours",
    "Path": "evidence.annealing",
    "Walk": "evidence.annealing",
    "adjusted_rand_index": "class_labels",
    "annealed": "evidence.annealed",
    "best_assignment_accuracy": "class_labels",
    "beta_vae_score": "disentanglement.interventions",
    "bits_per_dim": "reported",
    "bound_evaluator": "bound",
    "certifier": "evidence.certificate",
    "class_errors": "class_labels",
    "classes": "class_labels",
    "cluster_agreement": "class_labels",
    "code": "latent",
    "continuity": "latent_space.continuity",
    "cross_coherence": "coherence",
    "dci": "disentanglement.importance",
    "error_rate": "class_labels",
    "evaluate": "reported",
    "evaluator": "reported",
    "example_keys": "every_example",
    "factor_vae_score": "disentanglement.interventions",
    "fitted_proposal": "evidence.proposals",
    "flat": "evidence.flat",
    "frechet_distance": "samples.distances",
    "gap": "evidence.certificate",
    "importance_sampled_log_likelihood": "evidence.importance_sampling",
    "information": "latent_space.information",
    "kernel_distance": "samples.distances",
    "lanes_validator": "bound",
    "latent_moments": "moments",
    "latent_order": "latent_space.order",
    "lower_bound": "evidence.annealing",
    "modularity": "disentanglement.mutual_information",
    "most_active": "latent",
    "mutual_information": "disentanglement.mutual_information",
    "mutual_information_gap": "disentanglement.mutual_information",
    "nearest_code_errors": "class_labels",
    "neighbourhoods": "samples.neighbours",
    "num_active_units": "latent",
    "of_weights": "evidence.weights",
    "over_examples": "every_example",
    "pareto_k": "evidence.pareto",
    "separated_attribute_predictability": "disentanglement.separated",
    "share_far_from": "latent_space.completeness",
    "standard_error": "bound",
    "temperatures_of": "evidence.annealing",
    "thermodynamic_integral": "evidence.annealing",
    "two_sided": "evidence.certificate",
    "upper_bound": "evidence.annealing",
    "validator": "bound",
    "walk": "evidence.annealing",
}

__all__ = [
    "Annealed",
    "Annealing",
    "Certificate",
    "Code",
    "Continuity",
    "Dci",
    "Draws",
    "Fit",
    "Fitted",
    "Flat",
    "Information",
    "Interval",
    "KernelDistance",
    "LatentMoments",
    "LogLikelihood",
    "Neighbourhoods",
    "Path",
    "Walk",
    "adjusted_rand_index",
    "annealed",
    "best_assignment_accuracy",
    "beta_vae_score",
    "bits_per_dim",
    "bound_evaluator",
    "certifier",
    "class_errors",
    "classes",
    "cluster_agreement",
    "code",
    "continuity",
    "cross_coherence",
    "dci",
    "error_rate",
    "evaluate",
    "evaluator",
    "example_keys",
    "factor_vae_score",
    "fitted_proposal",
    "flat",
    "frechet_distance",
    "gap",
    "importance_sampled_log_likelihood",
    "information",
    "kernel_distance",
    "lanes_validator",
    "latent_moments",
    "latent_order",
    "lower_bound",
    "modularity",
    "most_active",
    "mutual_information",
    "mutual_information_gap",
    "nearest_code_errors",
    "neighbourhoods",
    "num_active_units",
    "of_weights",
    "over_examples",
    "pareto_k",
    "separated_attribute_predictability",
    "share_far_from",
    "standard_error",
    "temperatures_of",
    "thermodynamic_integral",
    "two_sided",
    "upper_bound",
    "validator",
    "walk",
]

__getattr__ = names_on_first_use(__name__, _HOMES)
