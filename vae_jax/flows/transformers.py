"""Transformers: maps from a conditioner's output, numbers for each element, to an elementwise bijection.

The conditioner makes a flow autoregressive or a coupling; the transformer is the map of one element.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from jaxtyping import Array, Float, Scalar

from vae_jax.flows.affine import Affine
from vae_jax.flows.bijection import Bijection
from vae_jax.flows.constraints import soft_clip
from vae_jax.flows.spline import RationalQuadraticSpline
from vae_jax.pytree import register_dataclass


class Transformer(Protocol):
    """A family of elementwise bijections; a pytree of its hyper-parameters."""

    @property
    def num_parameters(self) -> int:
        """Number of parameters for each element."""
        ...

    def __call__(self, parameters: Float[Array, "*event parameter"]) -> Bijection:
        """The bijection; zeros give the identity."""
        ...


@register_dataclass
@dataclass(frozen=True)
class AffineTransformer:
    """A shift and a scale for each element.

    Args:
        max_log_scale: A layer scales by at most the exponential of it, so that its gradient cannot overflow.

    Source: Kingma et al. 2016, arXiv:1606.04934, equation 10; Papamakarios et al. 2017, arXiv:1705.07057, equation 4.
        Differs from the papers: the logarithm of the scale is clipped softly, where Kingma et al. have a gate that
        only shrinks, and Papamakarios et al. no bound.
    """

    max_log_scale: float | Scalar = 5.0

    @property
    def num_parameters(self) -> int:
        """2 for each element: the shift and the logarithm of the scale."""
        return 2

    def __call__(self, parameters: Float[Array, "*event 2"]) -> Affine:
        """The bijection z ↦ exp(s) z + t."""
        return Affine(parameters[..., 0], soft_clip(parameters[..., 1], self.max_log_scale))


@register_dataclass
@dataclass(frozen=True)
class SplineTransformer:
    """A `RationalQuadraticSpline` for each element.

    Args:
        num_bins: K ≥ 2.
        bound: B > 0; the identity outside [−B, B].
        max_parameter: Parameters are clipped softly to this magnitude: it bounds the slopes, so that their squares
            cannot overflow.
    """

    num_bins: int = field(default=8, metadata={"static": True})
    bound: float | Scalar = 5.0
    max_parameter: float | Scalar = 50.0

    @property
    def num_parameters(self) -> int:
        """3 K − 1 for each element: K widths, K heights and K − 1 slopes."""
        return 3 * self.num_bins - 1

    def __call__(self, parameters: Float[Array, "*event parameter"]) -> RationalQuadraticSpline:
        """The spline."""
        k = self.num_bins
        parameters = soft_clip(parameters, self.max_parameter)
        return RationalQuadraticSpline(
            parameters[..., :k], parameters[..., k : 2 * k], parameters[..., 2 * k :], self.bound
        )
