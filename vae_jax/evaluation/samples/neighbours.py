"""Precision, recall, density and coverage of samples, from the nearest neighbours of features."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from vae_jax.evaluation.samples.distances import check_features

AT_ONCE = 2_000
"""Number of rows of a table of distances in memory at once."""


class Neighbourhoods(NamedTuple):
    """Four numbers, from the balls around examples that reach to their k-th nearest neighbour of the same set."""

    precision: float
    """Share of the samples in a ball of real examples: whether samples look real."""
    recall: float
    """Share of the real examples in a ball of samples: whether all that is real is sampled."""
    density: float
    """Mean number of balls of real examples that a sample is in, over k: around 1 for the same distribution."""
    coverage: float
    """Share of the balls of real examples that hold a sample; robust where `recall` is not."""


def neighbourhoods(
    data: Float[np.ndarray, "num size"], samples: Float[np.ndarray, "others size"], *, num_neighbours: int = 5
) -> Neighbourhoods:
    """Compare samples with data by the neighbourhoods of each.

    Args:
        data: Features of real examples.
        samples: Features of samples, as many where numbers are to be compared.
        num_neighbours: k.

    Raises:
        ValueError: If there are no more than k of either, or more than k equal rows in one, whose balls are points.

    Source: Kynkäänniemi, Karras, Laine, Lehtinen & Aila 2019, arXiv:1904.06991 (precision and recall); Naeem, Oh, Uh,
    Choi & Yoo 2020, arXiv:2002.09797 (density and coverage).
    """
    data, samples = check_features(data, samples)
    if not 1 <= num_neighbours < min(len(data), len(samples)):
        raise ValueError(
            f"expected num_neighbours of at least 1 and fewer than the examples; got {num_neighbours} for "
            f"{len(data)} and {len(samples)}"
        )
    radii, sample_radii = (_radii(*of, num_neighbours) for of in ((data, "data"), (samples, "samples")))
    in_a_ball, num_balls, is_covered, is_recalled = [], 0, np.zeros(len(data), bool), np.zeros(len(data), bool)
    for start in range(0, len(samples), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        distances = cdist(data, samples[rows])
        within = distances <= radii[:, None]
        in_a_ball.append(within.any(axis=0))
        num_balls += int(within.sum())
        is_covered |= within.any(axis=1)
        is_recalled |= (distances <= sample_radii[None, rows]).any(axis=1)
    return Neighbourhoods(
        precision=float(np.concatenate(in_a_ball).mean()),
        recall=float(is_recalled.mean()),
        density=num_balls / (num_neighbours * len(samples)),
        coverage=float(is_covered.mean()),
    )


def _radii(features: np.ndarray, of: str, num_neighbours: int) -> np.ndarray:
    """The distance of each row to its k-th nearest other row."""
    parts = []
    for start in range(0, len(features), AT_ONCE):
        distances = cdist(features[start : start + AT_ONCE], features)
        parts.append(np.partition(distances, num_neighbours, axis=1)[:, num_neighbours])
    radii = np.concatenate(parts)
    if (num := int((radii == 0).sum())) > 0:
        raise ValueError(
            f"expected no more than {num_neighbours} equal rows in the {of}; {num} rows have as many copies, so that "
            "their neighbourhoods are points; leave copies out, or take more neighbours"
        )
    return radii
