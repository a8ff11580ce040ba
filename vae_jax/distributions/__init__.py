"""Distributions over one event, one family a file, and the divergences between them."""

from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.beta import Beta
from vae_jax.distributions.categorical_codes import CategoricalCodes
from vae_jax.distributions.categorical_pixels import CategoricalPixels
from vae_jax.distributions.continuous_bernoulli import ContinuousBernoulli
from vae_jax.distributions.discretised_logistic import DiscretisedLogistic
from vae_jax.distributions.discretised_logistic_mixture import DiscretisedLogisticMixture
from vae_jax.distributions.kl import kl_divergence, kl_per_dimension
from vae_jax.distributions.laplace import Laplace
from vae_jax.distributions.mixed_columns import MixedColumns
from vae_jax.distributions.negative_binomial import NegativeBinomial
from vae_jax.distributions.normal import Normal, standard_normal
from vae_jax.distributions.point_mass import PointMass
from vae_jax.distributions.poisson import Poisson
from vae_jax.distributions.student_t import StudentT
from vae_jax.distributions.zero_inflated import ZeroInflated

__all__ = [
    "Bernoulli",
    "Beta",
    "CategoricalCodes",
    "CategoricalPixels",
    "ContinuousBernoulli",
    "DiscretisedLogistic",
    "DiscretisedLogisticMixture",
    "Laplace",
    "MixedColumns",
    "NegativeBinomial",
    "Normal",
    "PointMass",
    "Poisson",
    "StudentT",
    "ZeroInflated",
    "kl_divergence",
    "kl_per_dimension",
    "standard_normal",
]
