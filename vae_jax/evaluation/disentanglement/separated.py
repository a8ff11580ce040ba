"""SAP: how much better the best dimension alone predicts a factor than the second best."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from vae_jax.evaluation.disentanglement.mutual_information import check_codes
from vae_jax.extras import told_if_missing


@told_if_missing()
def separated_attribute_predictability(
    codes: Float[np.ndarray, "num latent"],
    factors: Int[np.ndarray, "num factor"],
    held_out_codes: Float[np.ndarray, "others latent"],
    held_out_factors: Int[np.ndarray, "others factor"],
    *,
    seed: int = 0,
) -> float:
    """SAP: the gap in accuracy between the two dimensions that predict a factor best, a mean over the factors.

    Args:
        codes: Codes that the classifiers, of one dimension each, learn from.
        factors: Their factors.
        held_out_codes: Codes that they are tried on.
        held_out_factors: Their factors.
        seed: Seed of the classifiers.

    Source: Kumar, Sattigeri & Balakrishnan 2018, arXiv:1711.00848, section 3; Locatello et al. 2019, arXiv:1811.12359
    (a linear support vector machine with C = 0.01 and balanced classes).
    """
    from sklearn.svm import LinearSVC

    codes, factors = check_codes(codes, factors)
    held_out_codes, held_out_factors = check_codes(held_out_codes, held_out_factors)

    def accuracy(dimension: int, factor: int) -> float:
        chosen = slice(dimension, dimension + 1)
        if len(np.unique(factors[:, factor])) < 2:
            return 0.0
        classifier = LinearSVC(C=0.01, class_weight="balanced", random_state=seed)
        classifier.fit(codes[:, chosen], factors[:, factor])
        return float(np.mean(classifier.predict(held_out_codes[:, chosen]) == held_out_factors[:, factor]))

    table = np.array([[accuracy(i, k) for k in range(factors.shape[1])] for i in range(codes.shape[1])])
    falling = -np.sort(-table, axis=0)
    return float(np.mean(falling[0] - falling[1])) if len(falling) > 1 else float(np.mean(falling[0]))
