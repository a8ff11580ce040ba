"""Scores of codes that are known: the factors themselves, noise, and mixtures of them."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from vae_jax.evaluation import (
    Draws,
    beta_vae_score,
    dci,
    factor_vae_score,
    modularity,
    mutual_information,
    mutual_information_gap,
    separated_attribute_predictability,
)
from vae_jax.evaluation.disentanglement.importance import completeness_of, disentanglement_of
from vae_jax.evaluation.disentanglement.mutual_information import check_codes

FEW = Draws(num_train=120, num_test=60, group_size=16)
SIZES = (4, 3, 2)


def factors_of(num, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=num) for size in SIZES], axis=1)


FACTORS, HELD_OUT = factors_of(1_200), factors_of(400, seed=1)
PERFECT, PERFECT_HELD_OUT = FACTORS[:, ::-1] * [1.0, -7.0, 0.1], HELD_OUT[:, ::-1] * [1.0, -7.0, 0.1]
NOISE, NOISE_HELD_OUT = (np.random.default_rng(2).normal(size=(num, 3)) for num in (1_200, 400))
MIXED = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 1.0], [0.0, 1.0, 1.0]])

OF_ONE_SET = {
    "MIG": mutual_information_gap,
    "modularity": modularity,
    "FactorVAE": partial(factor_vae_score, draws=FEW),
    "beta-VAE": partial(beta_vae_score, draws=FEW),
}


@pytest.mark.parametrize(
    ("name", "least"), [("MIG", 0.99), ("modularity", 0.999), ("FactorVAE", 1.0), ("beta-VAE", 0.9)]
)
def test_the_factors_themselves_score_one(name, least):
    """But for what chance says of the other factors, and for the few pairs of a group."""
    assert OF_ONE_SET[name](PERFECT, FACTORS) >= least


@pytest.mark.parametrize(("name", "most"), [("MIG", 0.05), ("modularity", 1.0), ("FactorVAE", 0.6), ("beta-VAE", 0.6)])
def test_noise_scores_no_more_than_chance(name, most):
    assert OF_ONE_SET[name](NOISE, FACTORS) <= most


@pytest.mark.parametrize(("name", "most"), [("MIG", 0.3), ("modularity", 0.9), ("FactorVAE", 0.7), ("beta-VAE", 0.85)])
def test_mixed_factors_score_less(name, most):
    assert OF_ONE_SET[name](FACTORS @ MIXED, FACTORS) < most


@pytest.mark.parametrize("score", OF_ONE_SET.values(), ids=OF_ONE_SET)
def test_neither_order_nor_unit_of_the_dimensions_matters(score):
    codes = FACTORS @ MIXED + 0.1 * NOISE
    changed = codes[:, [2, 0, 1]] * [-1.0, 3.0, 0.5]
    assert abs(score(changed, FACTORS) - score(codes, FACTORS)) < 0.12  # a negative unit turns the bins round


def test_the_information_is_that_of_another_implementation():
    codes = FACTORS @ MIXED + 0.3 * NOISE
    found = mutual_information(codes, FACTORS)
    for i, code in enumerate(codes.T):
        binned = np.digitize(code, np.histogram(code, 20)[1][:-1])
        for k, factor in enumerate(FACTORS.T):
            np.testing.assert_allclose(found.table[i, k], mutual_info_score(binned, factor), atol=1e-12)
    np.testing.assert_allclose(found.entropy, [mutual_info_score(factor, factor) for factor in FACTORS.T], atol=1e-12)


def test_bins_limit_the_gap():
    """Forty values in twenty bins: two share each, which costs log 2 of log 40."""
    factor = np.arange(4_000)[:, None] % 40
    assert abs(mutual_information_gap(factor.astype(float), factor) - (1 - np.log(2) / np.log(40))) < 1e-3
    assert mutual_information_gap(factor.astype(float), factor, num_bins=40) > 0.999


def test_dci_of_factors_of_noise_and_of_tables_that_are_known():
    found = dci(PERFECT, FACTORS, PERFECT_HELD_OUT, HELD_OUT)
    assert min(found) > 0.99
    noise = dci(NOISE[:300], FACTORS[:300], NOISE_HELD_OUT, HELD_OUT)
    assert noise.disentanglement < 0.2
    assert noise.informativeness < 0.5
    two_of_one = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    assert disentanglement_of(two_of_one) > 0.999
    assert abs(completeness_of(two_of_one) - (1 + (1 - np.log(2) / np.log(3))) / 2) < 1e-6


def test_sap_is_the_gap_of_accuracies():
    found = separated_attribute_predictability(PERFECT, FACTORS, PERFECT_HELD_OUT, HELD_OUT)
    twice = separated_attribute_predictability(
        np.repeat(PERFECT, 2, axis=1), FACTORS, np.repeat(PERFECT_HELD_OUT, 2, axis=1), HELD_OUT
    )
    noise = separated_attribute_predictability(NOISE, FACTORS, NOISE_HELD_OUT, HELD_OUT)
    assert found > 0.25
    assert abs(twice) < 1e-12
    assert abs(noise) < 0.08


@pytest.mark.parametrize(
    ("score", "codes", "factors", "message"),
    [
        (check_codes, PERFECT[:5], FACTORS[:4], "expected codes .* of the same examples"),
        (check_codes, PERFECT[:, 0], FACTORS, "expected codes .* of the same examples"),
        (mutual_information_gap, np.full((4, 2), np.nan), FACTORS[:4], "expected codes that are finite"),
        (mutual_information_gap, PERFECT[:4], np.zeros((4, 2), int), "expected factors that vary; got none"),
        (factor_vae_score, PERFECT[:4], np.zeros((4, 2), int), "expected factors that vary; got none"),
        (modularity, PERFECT, FACTORS[:, :1], "expected at least 2 factors"),
    ],
)
def test_what_has_no_score_is_refused(score, codes, factors, message):
    with pytest.raises(ValueError, match=message):
        score(codes, factors)
