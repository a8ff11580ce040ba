"""Distributions over one event, one family a file, and the divergences between them."""

from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.kl import kl_divergence, kl_per_dimension
from vae_jax.distributions.normal import Normal, standard_normal
from vae_jax.distributions.point_mass import PointMass

__all__ = ["Bernoulli", "Normal", "PointMass", "kl_divergence", "kl_per_dimension", "standard_normal"]
