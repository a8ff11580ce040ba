"""The tail of importance weights: k̂, the shape of the generalised Pareto distribution that fits it."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

FEWEST = 25
"""The fewest samples whose tail, a fifth of them, can be fitted."""


def pareto_k(log_weights: Float[np.ndarray, "num samples"]) -> Float[np.ndarray, " num"]:
    """k̂ for the weights of each example: they have 1/k̂ finite moments, as far as the sample tells.

    The fit is to the excess of the min(K/5, 3 √K) largest weights over the next one. Below 0.5 the variance of the
    weights is finite; above 0.7 no practical number of samples makes the estimate reliable.

    Args:
        log_weights: Nats; any constant may be added to a row.

    Returns:
        k̂; NaN for fewer than 25 samples, and for weights that are not finite; 0 where the largest weights are all
        equal.

    Source: Vehtari et al. 2024, arXiv:1507.02646 (the tail, and a weak prior of its shape); Zhang &
    Stephens 2009, Technometrics 51(3) (the fit).
    """
    num, num_samples = log_weights.shape
    result = np.full(num, np.nan)
    if num_samples < FEWEST:
        return result
    size = math.ceil(min(num_samples / 5, 3 * math.sqrt(num_samples)))
    tail = np.sort(np.partition(log_weights, num_samples - size - 1, axis=1)[:, -size - 1 :], axis=1)
    is_finite = np.isfinite(tail[:, -1])
    weights = np.exp(tail[is_finite] - tail[is_finite, -1:])
    excess = weights[:, 1:] - weights[:, :1]
    spreads = excess[:, size // 4] > 0
    result[is_finite] = np.where(excess[:, -1] > 0, np.inf, 0.0)  # a few weights above many equal ones: no such tail
    result[np.flatnonzero(is_finite)[spreads]] = [_shape(row) for row in excess[spreads]]
    return result


def _shape(excess: Float[np.ndarray, " size"]) -> float:
    """The posterior mean of k for sorted excesses, over the grid of Zhang & Stephens, drawn weakly towards 0.5."""
    size = len(excess)
    num_points = 30 + math.isqrt(size)
    quartile = excess[math.floor(size / 4 + 0.5) - 1]
    points = (1 - np.sqrt(num_points / (np.arange(num_points) + 0.5))) / (3 * quartile) + 1 / excess[-1]
    points = points[points != 0]
    shapes = np.log1p(-points[:, None] * excess).mean(axis=1)
    log_posterior = size * (np.log(-points / shapes) - shapes - 1)
    posterior = np.exp(log_posterior - log_posterior.max())
    point = np.sum(points * posterior) / posterior.sum()
    shape = np.log1p(-point * excess).mean()
    return (size * shape + 10 * 0.5) / (size + 10)
