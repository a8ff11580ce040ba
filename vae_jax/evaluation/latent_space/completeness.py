"""Completeness: a point that is drawn from the prior gives meaningful content once it is decoded."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

QUANTILE = 0.99


def share_far_from(
    points: Float[np.ndarray, "num latent"],
    others: Float[np.ndarray, "others latent"],
    asked: Float[np.ndarray, "asked latent"],
) -> float:
    """The share of some points that are farther from all of a set than 99 % of others of its own kind are.

    So it is 0.01 where they are of the same kind. With codes of training examples, codes of other examples and draws
    from the prior it is the share of the draws that fall into holes, where the encoder never goes; with draws in the
    place of codes and codes in that of draws, the share of the codes that no draw reaches. No density is needed, so
    the numbers compare autoencoders with variational ones.

    Args:
        points: The set.
        others: Others of its kind, as many as are asked about.
        asked: The points that are asked about.

    Raises:
        ValueError: If there are fewer than 100 others, too few for their quantile.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> codes, other_codes, drawn = rng.normal(size=(3, 1_000, 2))
        >>> share_far_from(codes, other_codes, drawn) < 0.03, share_far_from(codes / 9, other_codes / 9, drawn) > 0.9
        (True, True)
    """
    if len(others) < 100:
        raise ValueError(f"expected at least 100 others for their quantile; got {len(others)}; take more")
    tree = KDTree(points)
    usual, found = (tree.query(each)[0] for each in (others, asked))
    return float(np.mean(found > np.quantile(usual, QUANTILE)))
