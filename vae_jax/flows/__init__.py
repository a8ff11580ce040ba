"""Normalising flows: invertible maps of one event with a known determinant, and the distributions they make."""

from vae_jax.flows.affine import Affine
from vae_jax.flows.autoregressive import (
    InverseAutoregressive,
    MaskedAutoregressive,
    inverse_autoregressive,
    masked_autoregressive,
)
from vae_jax.flows.bijection import Bijection, Chain, Inverse, chain, inverse
from vae_jax.flows.coupling import Coupling, coupling
from vae_jax.flows.elementwise import elementwise
from vae_jax.flows.flow import Flow, refuse_context, with_own_parameters, without_context
from vae_jax.flows.householder import Householder, householder
from vae_jax.flows.permutation import Permutation, reversal
from vae_jax.flows.planar import Planar, planar
from vae_jax.flows.radial import Radial, radial
from vae_jax.flows.spline import RationalQuadraticSpline
from vae_jax.flows.sylvester import Sylvester, sylvester
from vae_jax.flows.transformed import Transformed
from vae_jax.flows.transformers import AffineTransformer, SplineTransformer, Transformer

__all__ = [
    "Affine",
    "AffineTransformer",
    "Bijection",
    "Chain",
    "Coupling",
    "Flow",
    "Householder",
    "Inverse",
    "InverseAutoregressive",
    "MaskedAutoregressive",
    "Permutation",
    "Planar",
    "Radial",
    "RationalQuadraticSpline",
    "SplineTransformer",
    "Sylvester",
    "Transformed",
    "Transformer",
    "chain",
    "coupling",
    "elementwise",
    "householder",
    "inverse",
    "inverse_autoregressive",
    "masked_autoregressive",
    "planar",
    "radial",
    "refuse_context",
    "reversal",
    "sylvester",
    "with_own_parameters",
    "without_context",
]
