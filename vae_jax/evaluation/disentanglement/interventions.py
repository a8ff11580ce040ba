"""Scores from groups of examples that share the value of one factor: those of FactorVAE and of the β-VAE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from vae_jax.evaluation.disentanglement.mutual_information import check_codes
from vae_jax.extras import told_if_missing


class Draws(NamedTuple):
    """Numbers of groups of examples."""

    num_train: int = 800
    """Groups that the classifier learns from."""
    num_test: int = 400
    """Groups that it is tried on."""
    group_size: int = 64
    """Examples of a group, or pairs of them."""


def factor_vae_score(
    codes: Float[np.ndarray, "num latent"],
    factors: Int[np.ndarray, "num factor"],
    draws: Draws = Draws(),  # noqa: B008
    *,
    seed: int = 0,
) -> float:
    """The accuracy of telling which factor a group shares from the dimension that varies least in it.

    Variances are relative to those over all codes; the classifier is a majority vote.

    Args:
        codes: Codes of many examples, from which groups are drawn: several for each value of each factor.
        factors: Their factors.
        draws: Numbers of groups.
        seed: Seed of the groups.

    Source: Kim & Mnih 2018, arXiv:1802.05983, section 4. Differs from the paper: groups are drawn from the given
        examples; dimensions that do not vary at all are left out.
    """
    codes, factors = check_codes(codes, factors)
    spread = codes.var(axis=0)
    alive = np.flatnonzero(spread > 0)
    if not len(alive):
        return 0.0
    rng, num_factors = np.random.default_rng(seed), factors.shape[1]

    def least(num: int) -> np.ndarray:
        """Counts of (dimension that varies least, factor that is shared)."""
        votes = np.zeros((len(alive), num_factors))
        for factor, rows in _groups(rng, factors, num, draws.group_size):
            relative = codes[rows][:, alive].var(axis=0) / spread[alive]
            votes[np.argmin(relative), factor] += 1
        return votes

    learned, tried = least(draws.num_train), least(draws.num_test)
    return float(tried[np.arange(len(alive)), learned.argmax(axis=1)].sum() / tried.sum())


@told_if_missing()
def beta_vae_score(
    codes: Float[np.ndarray, "num latent"],
    factors: Int[np.ndarray, "num factor"],
    draws: Draws = Draws(),  # noqa: B008
    *,
    seed: int = 0,
) -> float:
    """The accuracy of a linear classifier that tells which factor pairs share from the mean distance of their codes.

    Args:
        codes: As of `factor_vae_score`.
        factors: Their factors.
        draws: Numbers of groups, of pairs.
        seed: Seed of the groups.

    Source: Higgins et al. 2017, "beta-VAE", section 3; Locatello et al. 2019, arXiv:1811.12359 (logistic regression).
    """
    from sklearn.linear_model import LogisticRegression

    codes, factors = check_codes(codes, factors)
    rng, sharing, varying = np.random.default_rng(seed), _rows_by_value(factors), _varying(factors)

    def distances(num: int) -> tuple[np.ndarray, np.ndarray]:
        features, shared = [], []
        for _ in range(num):
            factor = int(rng.choice(varying))
            first = rng.integers(len(factors), size=draws.group_size)
            second = np.array([rng.choice(sharing[factor][factors[row, factor]]) for row in first])
            features.append(np.abs(codes[first] - codes[second]).mean(axis=0))
            shared.append(factor)
        return np.array(features), np.array(shared)

    classifier = LogisticRegression(random_state=seed).fit(*distances(draws.num_train))
    return float(classifier.score(*distances(draws.num_test)))


def _groups(
    rng: np.random.Generator, factors: np.ndarray, num: int, size: int
) -> Iterator[tuple[int, Int[np.ndarray, " size"]]]:
    """A factor that varies, and rows of examples that share a value of it, `num` times."""
    sharing, varying = _rows_by_value(factors), _varying(factors)
    for _ in range(num):
        factor = int(rng.choice(varying))
        value = factors[int(rng.integers(len(factors))), factor]
        yield factor, rng.choice(sharing[factor][value], size)


def _rows_by_value(factors: np.ndarray) -> list[dict[Any, np.ndarray]]:
    """For each factor, value -> the rows that have it."""
    return [{value: np.flatnonzero(column == value) for value in np.unique(column)} for column in factors.T]


def _varying(factors: np.ndarray) -> list[int]:
    varying = [factor for factor in range(factors.shape[1]) if (factors[:, factor] != factors[0, factor]).any()]
    if not varying:
        raise ValueError("expected factors that vary; got none; take examples that differ in them")
    return varying
