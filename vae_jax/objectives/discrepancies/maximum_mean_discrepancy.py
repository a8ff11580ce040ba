"""The maximum mean discrepancy between two samples, and its kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.objectives.of_a_batch.codes import as_matrix

Kernel = Callable[[Float[Array, "*shape"]], Float[Array, "*shape"]]
"""Squared distance between two points -> their similarity, 1 at distance 0."""


def gaussian_kernel(
    squared_distance: Float[Array, "*shape"], *, bandwidths: Sequence[float] | Float[Array, " kernels"]
) -> Float[Array, "*shape"]:
    """The radial-basis-function kernel, k(r²) = exp(−r²/(2h²)), a mean over bandwidths h.

    Args:
        squared_distance: r² ≥ 0.
        bandwidths: Each h > 0, in the units of the points.

    Returns:
        Between 0 and 1.
    """
    widths = jnp.asarray(bandwidths, squared_distance.dtype)
    return jnp.exp(-squared_distance[..., None] / (2 * jnp.square(widths))).mean(axis=-1)


def inverse_multiquadric_kernel(
    squared_distance: Float[Array, "*shape"], *, scales: Sequence[float] | Float[Array, " kernels"]
) -> Float[Array, "*shape"]:
    """The inverse multiquadric kernel, k(r²) = C/(C + r²), a mean over scales C; its tails reach far codes.

    Args:
        squared_distance: r² ≥ 0.
        scales: Each C > 0, in squared units of the points; 2 d for a standard normal prior over d dimensions is the
            expected squared distance of two of its samples.

    Returns:
        Between 0 and 1.

    Source: Tolstikhin, Bousquet, Gelly & Schölkopf 2018, arXiv:1711.01558, section 4. Differs from the authors' code:
        the mean over scales, not their sum.
    """
    scales = jnp.asarray(scales, squared_distance.dtype)
    ratio = lambda distance: (scales / (scales + distance)).mean()
    return jnp.vectorize(ratio)(squared_distance)


def maximum_mean_discrepancy(
    x: Float[Array, "num *event"], y: Float[Array, "other_num *event"], kernel: Kernel
) -> Scalar:
    """The squared maximum mean discrepancy between two samples: zero on average where their distributions agree.

    E k(x, x′) + E k(y, y′) − 2 E k(x, y) by the unbiased U-statistic, which leaves out every point paired with itself:
    so a single estimate may be negative.

    Args:
        x: A sample, one point per row.
        y: Another sample; it may have another number of points.
        kernel: A function of the squared distance: `functools.partial(gaussian_kernel, bandwidths=(1.0,))`.

    Returns:
        In the kernel's unit; between −2 and 2 for kernels of at most 1.

    Raises:
        ValueError: If a sample has fewer than two points.

    Example:
        >>> from functools import partial
        >>> x, kernel = jnp.eye(2), partial(gaussian_kernel, bandwidths=(1.0,))
        >>> print(f"{maximum_mean_discrepancy(x, x, kernel):.4f}")  # exp(−1) − 1
        -0.6321

    Source: Gretton, Borgwardt, Rasch, Schölkopf & Smola 2012, JMLR 13, lemma 6, equation 3.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(f"expected samples of at least 2 points each; got {len(x)} and {len(y)}; use a larger batch")
    x, y = as_matrix(x), as_matrix(y)
    return _mean_of_others(x, kernel) + _mean_of_others(y, kernel) - 2 * kernel(_squared_distances(x, y)).mean()


def _mean_of_others(x: Array, kernel: Kernel) -> Scalar:
    similarities = kernel(_squared_distances(x, x))
    return jnp.where(jnp.eye(len(x), dtype=bool), 0, similarities).sum() / (len(x) * (len(x) - 1))


def _squared_distances(x: Array, y: Array) -> Array:
    # Differences first: ‖x‖² + ‖y‖² − 2 x·y, the faster way, cancels where codes are close to each other.
    return jax.vmap(lambda a: jnp.sum(jnp.square(a[None] - y), axis=-1))(x)
