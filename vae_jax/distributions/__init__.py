"""Distributions over one event, one family a file, and the divergences between them."""

from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.beta import Beta
from vae_jax.distributions.binary_concrete import BinaryConcrete, LogitBinaryConcrete
from vae_jax.distributions.categorical import Categorical
from vae_jax.distributions.categorical_codes import CategoricalCodes
from vae_jax.distributions.categorical_pixels import CategoricalPixels
from vae_jax.distributions.centre import centre, is_on_sphere
from vae_jax.distributions.code_sequences import CodesInOrder, CodesInRounds
from vae_jax.distributions.concrete import Concrete, ExpConcrete
from vae_jax.distributions.continuous_bernoulli import ContinuousBernoulli
from vae_jax.distributions.discretised_logistic import DiscretisedLogistic
from vae_jax.distributions.discretised_logistic_mixture import DiscretisedLogisticMixture
from vae_jax.distributions.enumeration import enumerate_states
from vae_jax.distributions.experts import mixture_of_experts, mixture_of_products, product_of_experts
from vae_jax.distributions.kl import kl_divergence, kl_per_dimension, kl_per_part
from vae_jax.distributions.laplace import Laplace
from vae_jax.distributions.logistic_normal import LogisticNormal
from vae_jax.distributions.low_rank_normal import LowRankNormal
from vae_jax.distributions.mixed_columns import MixedColumns
from vae_jax.distributions.mixture import Mixture
from vae_jax.distributions.multivariate_normal import MultivariateNormal, tril_from_vector
from vae_jax.distributions.negative_binomial import NegativeBinomial
from vae_jax.distributions.normal import Normal, standard_normal
from vae_jax.distributions.observed import Observed
from vae_jax.distributions.point_mass import PointMass
from vae_jax.distributions.poisson import Poisson
from vae_jax.distributions.product import Product
from vae_jax.distributions.quantised import Coded, Quantised, uniform_codes
from vae_jax.distributions.spherical_uniform import SphericalUniform
from vae_jax.distributions.stacked import Stacked
from vae_jax.distributions.statements import has_density, is_reparametrised
from vae_jax.distributions.straight_through import StraightThrough
from vae_jax.distributions.student_t import StudentT
from vae_jax.distributions.support import support_of
from vae_jax.distributions.von_mises_fisher import VonMisesFisher
from vae_jax.distributions.zero_inflated import ZeroInflated

__all__ = [
    "Bernoulli",
    "Beta",
    "BinaryConcrete",
    "Categorical",
    "CategoricalCodes",
    "CategoricalPixels",
    "Coded",
    "CodesInOrder",
    "CodesInRounds",
    "Concrete",
    "ContinuousBernoulli",
    "DiscretisedLogistic",
    "DiscretisedLogisticMixture",
    "ExpConcrete",
    "Laplace",
    "LogisticNormal",
    "LogitBinaryConcrete",
    "LowRankNormal",
    "MixedColumns",
    "Mixture",
    "MultivariateNormal",
    "NegativeBinomial",
    "Normal",
    "Observed",
    "PointMass",
    "Poisson",
    "Product",
    "Quantised",
    "SphericalUniform",
    "Stacked",
    "StraightThrough",
    "StudentT",
    "VonMisesFisher",
    "ZeroInflated",
    "centre",
    "enumerate_states",
    "has_density",
    "is_on_sphere",
    "is_reparametrised",
    "kl_divergence",
    "kl_per_dimension",
    "kl_per_part",
    "mixture_of_experts",
    "mixture_of_products",
    "product_of_experts",
    "standard_normal",
    "support_of",
    "tril_from_vector",
    "uniform_codes",
]
