"""DCI: how few dimensions a factor needs, how few factors a dimension serves, and how well codes tell factors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from vae_jax.evaluation.disentanglement.mutual_information import check_codes
from vae_jax.extras import told_if_missing


class Dci(NamedTuple):
    """Three scores between 0 and 1."""

    disentanglement: float
    """1 where each dimension serves one factor; dimensions weigh as much as they are used."""
    completeness: float
    """1 where each factor is told by one dimension."""
    informativeness: float
    """The accuracy with which codes of held-out examples tell the factors, a mean over the factors."""


@told_if_missing()
def dci(
    codes: Float[np.ndarray, "num latent"],
    factors: Int[np.ndarray, "num factor"],
    held_out_codes: Float[np.ndarray, "others latent"],
    held_out_factors: Int[np.ndarray, "others factor"],
    *,
    seed: int = 0,
) -> Dci:
    """Scores from the importance of each dimension to a classifier of each factor.

    Args:
        codes: Codes that the classifiers learn from.
        factors: Their factors.
        held_out_codes: Codes that they are tried on.
        held_out_factors: Their factors.
        seed: Seed of the classifiers.

    Source: Eastwood & Williams 2018, "A framework for the quantitative evaluation of disentangled representations";
    Locatello et al. 2019, arXiv:1811.12359 (gradient-boosted trees of scikit-learn, with its defaults).
    """
    from sklearn.ensemble import GradientBoostingClassifier

    codes, factors = check_codes(codes, factors)
    held_out_codes, held_out_factors = check_codes(held_out_codes, held_out_factors)
    importance, accuracy = [], []
    for column, held_out in zip(factors.T, held_out_factors.T, strict=True):
        classifier = GradientBoostingClassifier(random_state=seed).fit(codes, column)
        importance.append(np.abs(classifier.feature_importances_))
        accuracy.append(np.mean(classifier.predict(held_out_codes) == held_out))
    table = np.array(importance).T
    return Dci(disentanglement_of(table), completeness_of(table), float(np.mean(accuracy)))


def disentanglement_of(importance: Float[np.ndarray, "latent factor"]) -> float:
    """1 less the entropy, to the base of their number, of the factors that a dimension serves; a weighted mean.

    Example:
        >>> round(disentanglement_of(np.eye(3)), 6), round(abs(disentanglement_of(np.ones((3, 3)))), 6)
        (1.0, 0.0)
    """
    return _weighted(importance)


def completeness_of(importance: Float[np.ndarray, "latent factor"]) -> float:
    """The same of the dimensions that serve a factor."""
    return _weighted(importance.T)


def _weighted(table: np.ndarray) -> float:
    """A mean over the rows of 1 − entropy / log columns, weighed by their sums."""
    if table.shape[1] < 2:
        return 1.0
    shares = (table + 1e-11) / (table + 1e-11).sum(axis=1, keepdims=True)
    entropy = -np.sum(shares * np.log(shares), axis=1) / np.log(table.shape[1])
    weights = table.sum(axis=1)
    weights = weights / weights.sum() if weights.sum() > 0 else np.full(len(table), 1 / len(table))
    return float(np.sum(weights * (1 - entropy)))
