"""Distances between two sets of features: Fréchet's, and that of a polynomial kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float


def frechet_distance(data: Float[np.ndarray, "num size"], samples: Float[np.ndarray, "others size"]) -> float:
    """|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½): the squared Wasserstein distance of two normals with these moments.

    It is too large for few examples, and by more for more features: compare only numbers of equal numbers of both.

    Args:
        data: Features of real examples.
        samples: Features of samples.

    Raises:
        ValueError: If there are fewer than two of either, or a feature is not finite.

    Source: Heusel, Ramsauer, Unterthiner, Nessler & Hochreiter 2017, arXiv:1706.08500, equation 6.

    Example:
        >>> corners = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
        >>> round(frechet_distance(corners, corners + [3.0, 4.0]), 6)
        25.0
    """
    data, samples = check_features(data, samples)
    (mean, covariance), (other_mean, other_covariance) = (
        (features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))) for features in (data, samples)
    )
    # tr (Σ₁Σ₂)^½ by eigenvalues of the symmetric Σ₁^½ Σ₂ Σ₁^½, which are real and not negative.
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    common = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)).sum()
    distance = np.sum((mean - other_mean) ** 2) + np.trace(covariance) + np.trace(other_covariance) - 2 * common
    return float(max(distance, 0.0))


class KernelDistance(NamedTuple):
    """The mean over subsets, and its standard error."""

    distance: float
    """Unbiased, so it may be negative where both sets are of one distribution."""
    standard_error: float


def kernel_distance(
    data: Float[np.ndarray, "num size"],
    samples: Float[np.ndarray, "others size"],
    *,
    subset_size: int = 1_000,
    num_subsets: int = 100,
    seed: int = 0,
) -> KernelDistance:
    """KID: the squared maximum mean discrepancy of the kernel (xᵀy/d + 1)³, without bias for any number of examples.

    Args:
        data: Features of real examples.
        samples: Features of samples.
        subset_size: Number of examples of each subset; all where there are fewer.
        num_subsets: Number of subsets that are drawn.
        seed: Seed of the subsets.

    Source: Bińkowski, Sutherland, Arbel & Gretton 2018, arXiv:1801.01401, section 4.
    """
    data, samples = check_features(data, samples)
    rng, size = np.random.default_rng(seed), min(subset_size, len(data), len(samples))

    def once() -> float:
        a, b = (features[rng.choice(len(features), size, replace=False)] for features in (data, samples))
        within = sum((_kernel(own, own).sum() - np.trace(_kernel(own, own))) / (size * (size - 1)) for own in (a, b))
        return float(within - 2 * _kernel(a, b).mean())

    found = np.array([once() for _ in range(num_subsets)])
    error = found.std(ddof=1) / np.sqrt(num_subsets) if num_subsets > 1 else 0.0
    return KernelDistance(float(found.mean()), float(error))


def check_features(data: Any, samples: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both as tables of numbers in float64.

    Raises:
        ValueError: If they are not tables with the same columns, have fewer than two rows, or are not finite.
    """
    data, samples = np.asarray(data, np.float64), np.asarray(samples, np.float64)
    if data.ndim != 2 or samples.ndim != 2 or data.shape[1] != samples.shape[1] or min(len(data), len(samples)) < 2:
        raise ValueError(
            f"expected features (num, size) of both, of one size and at least 2; got {data.shape} and {samples.shape}"
        )
    if not (np.isfinite(data).all() and np.isfinite(samples).all()):
        raise ValueError("expected features that are finite; got NaN or infinity; look at what makes them")
    return data, samples


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T / a.shape[1] + 1) ** 3
