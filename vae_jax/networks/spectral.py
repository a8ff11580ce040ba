"""Spectral normalisation: a bound on how fast a network's output can change."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.networks.network import Network
from vae_jax.types import Params


def with_spectral_norm(network: Network, *, num_iterations: int = 10) -> Network:
    """A network whose weight matrices are divided by their largest singular values before it is applied.

    A multi-layer perceptron whose activations have slopes of at most one then changes by at most ‖x − y‖ from x to y.

    Args:
        network: Any network; its parameters stay what they are, and are normalised where they are used.
        num_iterations: As in `largest_singular_value`.

    Source: Miyato, Kataoka, Koyama & Yoshida 2018, arXiv:1802.05957, equation 8.
    """

    def apply(params: Params, x: Any) -> Array:
        return network.apply(spectrally_normalised(params, num_iterations=num_iterations), x)

    return Network(network.init, apply)


def spectrally_normalised(params: Params, *, num_iterations: int = 10) -> Params:
    """Parameters with every weight matrix divided by its largest singular value; vectors stay as they are.

    Args:
        params: A pytree of arrays. An array of two axes or more is a matrix from all axes but the last to the last, as
            Flax keeps them; for a convolution that is the matrix of one patch.
        num_iterations: As in `largest_singular_value`.
    """

    def normalised(weight: Array) -> Array:
        if weight.ndim < 2:
            return weight
        scale = largest_singular_value(weight.reshape(-1, weight.shape[-1]), num_iterations=num_iterations)
        return weight / jnp.where(scale > 0, scale, 1)  # zeros stay zeros, with a finite gradient

    return jax.tree.map(normalised, params)


def largest_singular_value(matrix: Float[Array, "rows columns"], *, num_iterations: int = 10) -> Scalar:
    """The largest singular value of a matrix, by power iteration: never above it, and nearer with each iteration.

    Its gradient is that of uᵀWv at fixed singular vectors u and v, which is the whole gradient where they are exact.

    Args:
        matrix: W.
        num_iterations: The number n of times that W and Wᵀ are applied, ≥ 1. The relative error falls as (σ₂/σ₁)^(4 n).

    Source: Miyato et al. 2018, arXiv:1802.05957, algorithm 1. Differs from the paper: no vector is carried from step to
        step, which a pure function cannot do; each call starts from the same random one.

    Example:
        >>> print(f"{largest_singular_value(jnp.diag(jnp.array([3.0, 1.0]))):.4f}")
        3.0000
    """
    fixed = jax.lax.stop_gradient(matrix)

    def once(_: int, right: Array) -> Array:
        return _unit(fixed.T @ _unit(fixed @ right))

    start = _unit(jax.random.normal(jax.random.key(0), (matrix.shape[1],), matrix.dtype))
    right = jax.lax.fori_loop(0, num_iterations, once, start)
    return _unit(fixed @ right) @ (matrix @ right)


def _unit(vector: Array) -> Array:
    return vector / jnp.maximum(jnp.linalg.norm(vector), jnp.finfo(vector.dtype).tiny)
