"""Densities of the aggregate posterior, fitted after training, to sample from in place of the prior.

A trained decoder has seen codes, and q(z) = E_x[q(z|x)] is where they are; the prior may put its mass elsewhere. Each
fit is a function from codes to a distribution of one code.
"""

from vae_jax.aggregate.flow_density import flow_density
from vae_jax.aggregate.gaussian_mixture import gaussian_mixture
from vae_jax.aggregate.two_stage import SecondStage, two_stage
from vae_jax.aggregate.with_prior import codes, with_prior

__all__ = [
    "SecondStage",
    "codes",
    "flow_density",
    "gaussian_mixture",
    "two_stage",
    "with_prior",
]
