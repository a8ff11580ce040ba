"""Scores from the mutual information of each dimension of the codes with each factor: MIG and modularity."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

NUM_BINS = 20


class MutualInformation(NamedTuple):
    """The information of each dimension on each factor, in nats."""

    table: Float[np.ndarray, "latent factor"]
    """I(zᵢ; vₖ), of binned codes."""
    entropy: Float[np.ndarray, " factor"]
    """H(vₖ)."""


def mutual_information(
    codes: Float[np.ndarray, "num latent"], factors: Int[np.ndarray, "num factor"], *, num_bins: int = NUM_BINS
) -> MutualInformation:
    """The mutual information of binned codes with factors, from the counts of their pairs.

    Args:
        codes: Posterior means, mostly.
        factors: Numbers of the values of each factor.
        num_bins: Number of bins of equal width between the least and the greatest code of a dimension.

    Raises:
        ValueError: If codes and factors are not of the same examples.

    Source: Locatello et al. 2019, arXiv:1811.12359 (20 bins of equal width).

    Example:
        >>> factors = np.array([[0], [1], [0], [1]])
        >>> found = mutual_information(factors.astype(float), factors)
        >>> found.table.round(4).tolist(), found.entropy.round(4).tolist()
        ([[0.6931]], [0.6931])
    """
    codes, factors = check_codes(codes, factors)
    binned = [_binned(column, num_bins) for column in codes.T]
    numbered = [np.unique(column, return_inverse=True)[1] for column in factors.T]
    table = np.array([[_information(code, factor) for factor in numbered] for code in binned])
    return MutualInformation(table, np.array([_information(factor, factor) for factor in numbered]))


def mutual_information_gap(
    codes: Float[np.ndarray, "num latent"], factors: Int[np.ndarray, "num factor"], *, num_bins: int = NUM_BINS
) -> float:
    """MIG: for each factor, how much more the best dimension says of it than the second one, as a share of its entropy.

    A mean over the factors that vary, between 0 and 1. Bins limit it: codes that are the factors reach 1 only where no
    two values of a factor share a bin.

    Source: Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942, section 4.1.
        Differs from the paper: binned posterior means, as in Locatello et al. 2019, in the place of q(z|x).
    """
    found = mutual_information(codes, factors, num_bins=num_bins)
    varies = found.entropy > 0
    if not varies.any():
        raise ValueError("expected factors that vary; got none; take examples that differ in them")
    falling = -np.sort(-found.table, axis=0)
    second = falling[1] if len(falling) > 1 else np.zeros_like(falling[0])
    return float(np.mean((falling[0] - second)[varies] / found.entropy[varies]))


def modularity(
    codes: Float[np.ndarray, "num latent"], factors: Int[np.ndarray, "num factor"], *, num_bins: int = NUM_BINS
) -> float:
    """The distance of each dimension from saying something of more than one factor: a mean over the dimensions.

    1 where each dimension has information on one factor alone. A dimension without any counts as 0.

    Source: Ridgeway & Mozer 2018, arXiv:1802.05312, section 3; Locatello et al. 2019 (dimensions without information).
    """
    table = mutual_information(codes, factors, num_bins=num_bins).table
    num_factors = table.shape[1]
    if num_factors < 2:
        raise ValueError(f"expected at least 2 factors, of which one might be told apart; got {num_factors}")
    squared = table**2
    largest = squared.max(axis=1)
    says_something = largest > 1e-12
    others = (squared.sum(axis=1) - largest)[says_something] / (largest[says_something] * (num_factors - 1))
    return float(np.sum(1 - others) / len(table))


def check_codes(codes: Any, factors: Any) -> tuple[np.ndarray, np.ndarray]:
    """Codes and factors as arrays, checked.

    Raises:
        ValueError: If they are not tables of the same examples, or a code is not finite.
    """
    codes, factors = np.asarray(codes, np.float64), np.asarray(factors)
    if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors) or len(codes) < 2:
        raise ValueError(
            f"expected codes (num, latent) and factors (num, factor) of the same examples, at least 2; "
            f"got {codes.shape} and {factors.shape}"
        )
    if not np.isfinite(codes).all():
        raise ValueError("expected codes that are finite; got NaN or infinity; leave these examples out")
    return codes, factors


def _binned(column: np.ndarray, num_bins: int) -> np.ndarray:
    edges = np.histogram(column, num_bins)[1]
    return np.unique(np.digitize(column, edges[:-1]), return_inverse=True)[1]


def _information(a: np.ndarray, b: np.ndarray) -> float:
    counts = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(counts, (a, b), 1)
    joint = counts / counts.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return float(np.sum(joint[there] * np.log(joint[there] / apart[there])))
