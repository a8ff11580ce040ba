"""Monotone rational-quadratic splines, element by element."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.flows.constraints import positive
from vae_jax.pytree import register_dataclass

_SMALLEST_BIN = 1e-3


@register_dataclass
@dataclass(frozen=True)
class RationalQuadraticSpline:
    """A monotone spline on [−B, B], and the identity outside; in each of K bins it is a quotient of two quadratics.

    All parameters are unconstrained, and zeros give the identity.

    Args:
        widths: Unconstrained widths of the bins; their softmax, with a floor of 10⁻³ each, divides [−B, B].
        heights: Unconstrained heights of the bins, treated in the same way.
        slopes: Unconstrained slopes at the K − 1 inner knots, made positive by `positive`. At ±B the slope is 1, so
            that the map is smooth.
        bound: B > 0.

    Source: Durkan, Bekasov, Murray & Papamakarios 2019, arXiv:1906.04032, equations 4 to 8 and section 3.1.
    """

    widths: Float[Array, "*event bin"]
    heights: Float[Array, "*event bin"]
    slopes: Float[Array, "*event bin-1"]
    bound: Scalar | float

    def forward_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """The spline, and the sum of the logarithms of its derivatives."""
        inside, spline_bin = self._bin_of(value, self._knots(self.widths))
        place = (inside - spline_bin.left) / spline_bin.width
        numerator = spline_bin.slope * place**2 + spline_bin.left_slope * place * (1 - place)
        image = spline_bin.bottom + spline_bin.height * numerator / spline_bin.denominator(place)
        return self._with_tails(value, image, spline_bin.log_derivative(place))

    def inverse_and_log_det(self, value: Float[Array, "*event"]) -> tuple[Float[Array, "*event"], Scalar]:
        """The root of a quadratic in the value's bin, and minus the logarithms of the derivatives there."""
        inside, spline_bin = self._bin_of(value, self._knots(self.heights))
        rise = inside - spline_bin.bottom
        # The root in the form 2c / (−b − √…), which does not cancel where the quadratic is nearly linear.
        a = spline_bin.height * (spline_bin.slope - spline_bin.left_slope) + rise * spline_bin.bend
        b = spline_bin.height * spline_bin.left_slope - rise * spline_bin.bend
        c = -spline_bin.slope * rise
        discriminant = jnp.maximum(b**2 - 4 * a * c, jnp.finfo(b.dtype).tiny)
        place = jnp.clip(2 * c / (-b - jnp.sqrt(discriminant)), 0.0, 1.0)
        preimage = spline_bin.left + spline_bin.width * place
        return self._with_tails(value, preimage, -spline_bin.log_derivative(place))

    def _knots(self, raw: Array) -> Float[Array, "*event knot"]:
        num_bins = raw.shape[-1]
        parts = _SMALLEST_BIN + (1 - _SMALLEST_BIN * num_bins) * jax.nn.softmax(raw, axis=-1)
        ends = -self.bound + 2 * self.bound * jnp.cumsum(parts, axis=-1)
        edge = jnp.full_like(ends[..., :1], self.bound)
        return jnp.concatenate([-edge, ends[..., :-1], edge], axis=-1)

    def _bin_of(self, value: Array, knots: Array) -> tuple[Array, _Bin]:
        """The value moved into [−B, B], so that nothing overflows in the branch not taken, and the bin it is in."""
        inside = jnp.clip(value, -self.bound, self.bound)
        index = jnp.sum(inside[..., None] >= knots[..., 1:-1], axis=-1, keepdims=True)
        one = jnp.ones_like(self.widths[..., :1])
        slopes = jnp.concatenate([one, positive(self.slopes), one], axis=-1)

        def at(array: Array, offset: int = 0) -> Array:
            return jnp.take_along_axis(array, index + offset, axis=-1)[..., 0]

        x, y = self._knots(self.widths), self._knots(self.heights)
        return inside, _Bin(at(x), at(x, 1), at(y), at(y, 1), at(slopes), at(slopes, 1))

    def _with_tails(self, value: Array, image: Array, log_derivative: Array) -> tuple[Array, Scalar]:
        is_inside = jnp.abs(value) < self.bound
        return jnp.where(is_inside, image, value), jnp.sum(jnp.where(is_inside, log_derivative, 0.0))


@dataclass(frozen=True)
class _Bin:
    """The piece of the spline that each element falls into."""

    left: Array
    right: Array
    bottom: Array
    top: Array
    left_slope: Array
    right_slope: Array

    @property
    def width(self) -> Array:
        return self.right - self.left

    @property
    def height(self) -> Array:
        return self.top - self.bottom

    @property
    def slope(self) -> Array:
        return self.height / self.width

    @property
    def bend(self) -> Array:
        return self.left_slope + self.right_slope - 2 * self.slope

    def denominator(self, place: Array) -> Array:
        return self.slope + self.bend * place * (1 - place)

    def log_derivative(self, place: Array) -> Array:
        inner = self.right_slope * place**2 + 2 * self.slope * place * (1 - place) + self.left_slope * (1 - place) ** 2
        return 2 * jnp.log(self.slope) + jnp.log(inner) - 2 * jnp.log(self.denominator(place))
