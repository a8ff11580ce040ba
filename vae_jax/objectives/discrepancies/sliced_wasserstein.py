"""The sliced Wasserstein distance between two samples."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.objectives.of_a_batch.codes import as_matrix
from vae_jax.types import Key


def sliced_wasserstein(
    key: Key, x: Float[Array, "num *event"], y: Float[Array, "num *event"], *, num_projections: int
) -> Scalar:
    """The squared sliced 2-Wasserstein distance between two samples of the same size.

    E_θ (1/n) Σᵢ (sorted(θ·x)ᵢ − sorted(θ·y)ᵢ)², with θ uniform on the unit sphere: along a line, the best way to move
    one sample onto the other is to move the i-th point to the i-th.

    Args:
        key: The key of the directions θ.
        x: A sample of n points, one per row.
        y: Another sample of n points.
        num_projections: The number of directions, ≥ 1.

    Returns:
        ≥ 0, in squared units of the points.

    Raises:
        ValueError: If the samples differ in shape, or there is no projection.

    Example:
        >>> x = jnp.array([[0.0], [1.0]])
        >>> print(f"{sliced_wasserstein(jax.random.key(0), x, x + 2, num_projections=1):.4f}")
        4.0000

    Source: Kolouri, Pope, Martin & Rohde 2018, arXiv:1804.01947, algorithm 1.
    """
    if x.shape != y.shape or num_projections < 1:
        raise ValueError(
            "expected two samples of the same shape and at least 1 projection; "
            f"got shapes {x.shape} and {y.shape}, and {num_projections}"
        )
    x, y = as_matrix(x), as_matrix(y)
    directions = jax.random.normal(key, (num_projections, x.shape[1]), x.dtype)
    directions = directions / jnp.linalg.norm(directions, axis=1, keepdims=True)

    def along_lines(points: Array) -> Array:
        return jnp.sort(jnp.matmul(directions, points.T, precision=jax.lax.Precision.HIGHEST), axis=1)

    return jnp.mean(jnp.square(along_lines(x) - along_lines(y)))
