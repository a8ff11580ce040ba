"""Sylvester flows: planar flows with more than one neuron."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.flows.bijection import Chain, refuse_inverse
from vae_jax.flows.constraints import within_one
from vae_jax.flows.flow import Flow, amortised_flow
from vae_jax.flows.householder import reflect
from vae_jax.pytree import register_dataclass


@register_dataclass
@dataclass(frozen=True)
class Sylvester:
    """z ↦ z + Q R tanh(R̃ Qᵀz + b), Q with m orthonormal columns, R and R̃ upper triangular.

    The diagonals are below one in magnitude, Rᵢᵢ R̃ᵢᵢ > −1, without which the map could not be inverted. There is an
    inverse, but no formula for it.

    Args:
        vectors: The rows that Q is made of: Householder reflections, with Q the first m columns of their product; or m
            rows V, with Q the orthonormal columns that span those of I + Vᵀ.
        outer: R, m × m; its diagonal goes through tanh, the entries below are not used.
        inner: R̃, m × m, treated in the same way.
        bias: b.
        reflections: Whether the vectors are reflections.

    Source: van den Berg, Hasenclever, Tomczak & Welling 2018, arXiv:1803.05649, theorem 2 and equation 12.
    """

    vectors: Float[Array, "vector size"]
    outer: Float[Array, "column column"]
    inner: Float[Array, "column column"]
    bias: Float[Array, " column"]
    reflections: bool = field(metadata={"static": True})

    def forward_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """z + Q R tanh(a) and Σᵢ log (1 + Rᵢᵢ R̃ᵢᵢ (1 − tanh²(aᵢ))), where a = R̃ Qᵀz + b."""
        outer, inner = _upper_triangular(self.outer), _upper_triangular(self.inner)
        basis = self._basis()
        hidden = jnp.tanh(inner @ (basis.T @ value) + self.bias)
        slopes = jnp.diagonal(outer) * jnp.diagonal(inner) * (1 - hidden**2)
        return value + basis @ (outer @ hidden), jnp.sum(jnp.log1p(slopes))

    def inverse_and_log_det(self, value: Float[Array, " size"]) -> tuple[Float[Array, " size"], Scalar]:
        """Refuse the inverse, which has no formula.

        Raises:
            TypeError: Always.
        """
        refuse_inverse(self, "whose inverse has no formula", "a flow of couplings")

    def _basis(self) -> Float[Array, "size column"]:
        columns = jnp.eye(self.vectors.shape[1], self.bias.size, dtype=self.vectors.dtype)
        return reflect(self.vectors, columns) if self.reflections else jnp.linalg.qr(columns + self.vectors.T)[0]


def sylvester(size: int, num_layers: int, num_columns: int, *, num_reflections: int | None = None) -> Flow:
    """Sylvester layers whose parameters are the flow's context: for each of them Q, R, R̃ and b, in this order.

    Args:
        size: d.
        num_layers: Number of layers.
        num_columns: m ≤ d, the neurons of a layer.
        num_reflections: Q as the first m columns of a product of that many Householder reflections ("H-SNF"); None
            for the orthonormal columns of a d × m matrix ("O-SNF").

    Raises:
        ValueError: If there are more columns than dimensions.

    Source: van den Berg et al. 2018, arXiv:1803.05649, sections 3.1 and 3.2.
        Differs from the paper: orthonormal columns come from a QR decomposition of I + the parameters, exact, where
        the paper iterates towards them.
    """
    if not 1 <= num_columns <= size:
        raise ValueError(f"expected between 1 and {size} columns, the size of a vector; got {num_columns}; use fewer")
    m = num_columns
    num_vectors = num_columns if num_reflections is None else num_reflections
    sizes = (num_vectors * size, m * m, m * m, m)

    def layer(parameters: Float[Array, " parameter"]) -> Sylvester:
        shapes = (num_vectors, size), (m, m), (m, m), (m,)
        arrays = map(jnp.reshape, jnp.split(parameters, list(itertools.accumulate(sizes[:-1]))), shapes)
        return Sylvester(*arrays, reflections=num_reflections is not None)

    def bind(parameters: Float[Array, " parameter"]) -> Chain:
        return Chain(tuple(map(layer, parameters.reshape(num_layers, -1))))

    return amortised_flow(size, num_layers * sum(sizes), bind)


def _upper_triangular(matrix: Float[Array, "column column"]) -> Float[Array, "column column"]:
    return jnp.triu(matrix, 1) + jnp.diag(within_one(jnp.diagonal(matrix)))
