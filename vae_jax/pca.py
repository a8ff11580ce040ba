"""Principal component analysis: the linear autoencoder that has a closed form.

Reductions over the data run at the highest matrix precision: an accelerator's default (ten bits of mantissa) would
lose every eigenvalue below a thousandth of the largest.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

_HIGHEST = jax.lax.Precision.HIGHEST


class PCA(NamedTuple):
    """The mean of a data set, its leading principal directions, and its spectrum."""

    mean: Float[Array, " d"]
    """The mean of the data."""
    components: Float[Array, "d q"]
    """P: the q leading directions as orthonormal columns, the entry of largest magnitude in each positive."""
    eigenvalues: Float[Array, " d"]
    """The variance along *all* d directions (covariance with 1/N), descending; the first q are those of P."""


def pca(data: Real[ArrayLike, "n d"], latent_size: int, method: Literal["eigh", "svd"] = "eigh") -> PCA:
    """Principal component analysis: the q-dimensional subspace that loses the least of the data.

    S = (1/N) Σₙ (xₙ − m)(xₙ − m)ᵀ = P Λ Pᵀ. Reconstructing from q components leaves a mean squared error of
    (1/N) Σₙ ‖xₙ − x̂ₙ‖² = λ_{q+1} + … + λ_d. The sign of an eigenvector is arbitrary; here the entry of largest
    magnitude is made positive (the first of several), as in scikit-learn.

    Args:
        data: N examples of d numbers each; flatten images first.
        latent_size: q, between 1 and min(N, d).
        method: "eigh" decomposes the d x d covariance; "svd" the centred data itself, which is slower for large N and
            twice as precise in digits for directions of small variance, since it never squares the data.

    Returns:
        A `PCA`, in the floating-point type of the data (float32 at least).

    Raises:
        ValueError: If the data are not a matrix, `latent_size` is out of range, or the method is unknown.

    Example:
        The lecture's five points, their codes and their reconstructions from one number each:

        >>> import jax, numpy as np
        >>> points = np.array([[-0.50, -0.40], [-0.40, -0.10], [0.10, 0.00], [0.30, 0.30], [0.50, 0.20]])
        >>> fitted = pca(points, latent_size=1)
        >>> for name, point in zip("ABCDE", points):
        ...     code = encode(fitted, point)
        ...     again = decode(fitted, code)
        ...     print(f"{name}({point[0]:.2f}, {point[1]:.2f}) -> {code[0]:.2f} -> ({again[0]:.2f}, {again[1]:.2f})")
        A(-0.50, -0.40) -> -0.63 -> (-0.54, -0.33)
        B(-0.40, -0.10) -> -0.39 -> (-0.34, -0.20)
        C(0.10, 0.00) -> 0.09 -> (0.07, 0.04)
        D(0.30, 0.30) -> 0.41 -> (0.35, 0.21)
        E(0.50, 0.20) -> 0.53 -> (0.46, 0.27)

    Source: Pearson 1901, "On lines and planes of closest fit to systems of points in space".
    """
    data = _as_matrix(data)
    num_examples, data_size = data.shape
    _check_latent_size(latent_size, num_examples, data_size)
    mean = data.mean(axis=0)
    centred = data - mean
    if method == "eigh":
        covariance = jnp.matmul(centred.T, centred, precision=_HIGHEST) / num_examples
        ascending, directions = jnp.linalg.eigh(covariance)
        # Rounding leaves the zeros of a rank-deficient covariance on either side of zero.
        eigenvalues, directions = jnp.maximum(ascending[::-1], 0), directions[:, ::-1]
    elif method == "svd":
        _, singular_values, transposed = jnp.linalg.svd(centred, full_matrices=False)
        missing = data_size - len(singular_values)
        eigenvalues, directions = jnp.pad(jnp.square(singular_values) / num_examples, (0, missing)), transposed.T
    else:
        raise ValueError(f"expected the method 'eigh' or 'svd'; got {method!r}; 'eigh' is right for most data")
    return PCA(mean, _with_fixed_signs(directions[:, :latent_size]), eigenvalues)


def encode(fitted: PCA, x: Real[ArrayLike, " d"]) -> Float[Array, " q"]:
    """The code of one example, Pᵀ(x − mean): its coordinates in the principal subspace.

    Args:
        fitted: The result of `pca`.
        x: One example; `jax.vmap(encode, (None, 0))` for many.

    Returns:
        q numbers, in the units of the data.
    """
    return jnp.matmul(fitted.components.T, jnp.asarray(x) - fitted.mean, precision=_HIGHEST)


def decode(fitted: PCA, z: Real[ArrayLike, " q"]) -> Float[Array, " d"]:
    """The example that a code stands for, P z + mean; `decode(encode(x))` is the nearest point of the subspace to x.

    Args:
        fitted: The result of `pca`.
        z: One code.

    Returns:
        d numbers, in the units of the data.
    """
    return jnp.matmul(fitted.components, jnp.asarray(z), precision=_HIGHEST) + fitted.mean


def principal_angles(a: Real[ArrayLike, "d q"], b: Real[ArrayLike, "d r"]) -> Float[Array, " angles"]:
    """The principal angles between the column spaces of two matrices: zero where the subspaces agree.

    cos θᵢ = σᵢ(QₐᵀQ_b) and sin θᵢ = σᵢ(Q_b − QₐQₐᵀQ_b), with Q orthonormal bases. An arc cosine alone cannot see an
    angle below √ε (3e-4 rad in float32, 1e-8 in float64); the sine resolves it to ε.

    Args:
        a: Columns that span the first subspace, linearly independent; they need be neither orthogonal nor of unit
            length.
        b: The same for the second; it may have another number of columns.

    Returns:
        min(q, r) angles in radians, ascending, between 0 and π/2.

    Raises:
        ValueError: If the two do not live in the same space, or have more columns than rows.

    Example:
        >>> import jax.numpy as jnp
        >>> print(f"{principal_angles(jnp.array([[1.0], [0.0]]), jnp.array([[1.0], [1e-6]]))[0]:.2e}")
        1.00e-06

    Source: Björck & Golub 1973, "Numerical methods for computing angles between linear subspaces"; Knyazev & Argentati
        2002, algorithm 3.1. Differs from the paper: one arc tangent of sine and cosine instead of a choice of two.
    """
    a, b = _as_matrix(a), _as_matrix(b)
    if len(a) != len(b) or max(a.shape[1], b.shape[1]) > len(a):
        raise ValueError(
            f"expected two matrices of d rows and at most d columns; got shapes {a.shape} and {b.shape}; "
            "a basis is in the columns: transpose one that is in the rows"
        )
    if a.shape[1] < b.shape[1]:
        a, b = b, a
    basis_a, basis_b = jnp.linalg.qr(a)[0], jnp.linalg.qr(b)[0]
    overlap = jnp.matmul(basis_a.T, basis_b, precision=_HIGHEST)
    outside = basis_b - jnp.matmul(basis_a, overlap, precision=_HIGHEST)
    cosines = jnp.linalg.svd(overlap, compute_uv=False)
    sines = jnp.linalg.svd(outside, compute_uv=False)[::-1]
    return jnp.arctan2(sines, cosines)


def _as_matrix(data: ArrayLike) -> Float[Array, "n d"]:
    data = jnp.asarray(data)
    if data.ndim != 2 or 0 in data.shape:
        raise ValueError(
            f"expected a matrix with one example a row; got shape {data.shape}; flatten images with data.reshape(n, -1)"
        )
    return data.astype(jnp.promote_types(data.dtype, jnp.float32))


def _check_latent_size(latent_size: int, num_examples: int, data_size: int) -> None:
    largest = min(num_examples, data_size)
    if not 1 <= latent_size <= largest:
        raise ValueError(
            f"expected a latent_size between 1 and {largest}, the smaller of {num_examples} examples and {data_size} "
            f"numbers each; got {latent_size}; choose a smaller one or take more examples"
        )


def _with_fixed_signs(directions: Float[Array, "d q"]) -> Float[Array, "d q"]:
    largest = jnp.take_along_axis(directions, jnp.argmax(jnp.abs(directions), axis=0)[None], axis=0)
    return jnp.where(largest < 0, -directions, directions)
