"""Distributions over one event, one family a file, and the divergences between them."""

from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.binary_concrete import BinaryConcrete, LogitBinaryConcrete
from vae_jax.distributions.categorical import Categorical
from vae_jax.distributions.concrete import Concrete, ExpConcrete
from vae_jax.distributions.enumeration import enumerate_states
from vae_jax.distributions.kl import kl_divergence, kl_per_dimension
from vae_jax.distributions.logistic_normal import LogisticNormal
from vae_jax.distributions.low_rank_normal import LowRankNormal
from vae_jax.distributions.mixture import Mixture
from vae_jax.distributions.multivariate_normal import MultivariateNormal, tril_from_vector
from vae_jax.distributions.normal import Normal, standard_normal
from vae_jax.distributions.point_mass import PointMass
from vae_jax.distributions.product import Product
from vae_jax.distributions.spherical_uniform import SphericalUniform
from vae_jax.distributions.straight_through import StraightThrough
from vae_jax.distributions.von_mises_fisher import VonMisesFisher

__all__ = [
    "Bernoulli",
    "BinaryConcrete",
    "Categorical",
    "Concrete",
    "ExpConcrete",
    "LogisticNormal",
    "LogitBinaryConcrete",
    "LowRankNormal",
    "Mixture",
    "MultivariateNormal",
    "Normal",
    "PointMass",
    "Product",
    "SphericalUniform",
    "StraightThrough",
    "VonMisesFisher",
    "enumerate_states",
    "kl_divergence",
    "kl_per_dimension",
    "standard_normal",
    "tril_from_vector",
]
