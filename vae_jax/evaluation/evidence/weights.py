"""K importance weights of each example, and all that they say: the estimate, its error, and whether to trust it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from vae_jax.evaluation.evidence.pareto import pareto_k

TRUSTED_K = 0.7
"""k̂ up to which the estimate's error is known (Vehtari et al. 2024): above it, weights that were not drawn
may be all that matters."""


class LogLikelihood(NamedTuple):
    """Estimates of log p(x), one for each example, in nats."""

    estimate: Float[np.ndarray, " num"]
    """The importance-weighted bound: in expectation at most log p(x), and nearer for larger K."""
    effective_sample_size: Float[np.ndarray, " num"]
    """Between 1 and K. Near 1, a single sample carries the estimate and it is far too low."""
    standard_error: Float[np.ndarray, " num"]
    """That of the estimate, over the draws of its K samples (the delta method); NaN for K = 1."""
    pareto_k: Float[np.ndarray, " num"]
    """k̂, the shape of the tail of the weights: above 0.7 neither the estimate nor its error can be trusted. NaN where
    K is too small to tell."""
    jackknife: Float[np.ndarray, " num"]
    """The estimate with its bias of order 1/K removed; no bound (Nowozin 2018)."""
    elbo: Float[np.ndarray, " num"]
    """The mean of the log-weights: the ELBO of the distribution that the samples were drawn from."""

    @property
    def share_of_heavy_tails(self) -> float | None:
        """The share of examples with k̂ above 0.7; None where K is too small to tell."""
        return None if np.isnan(self.pareto_k).all() else float((self.pareto_k > TRUSTED_K).mean())


def of_weights(log_weights: Float[np.ndarray, "num samples"]) -> LogLikelihood:
    """Sum up K importance weights of each example, in float64.

    Args:
        log_weights: log p(x, zₖ) − log q(zₖ|x), nats; −∞ for a weight of zero.

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, equation 8 (the estimate); Vehtari et al. 2024,
    arXiv:1507.02646 (k̂); Nowozin 2018, "Debiasing evidence approximations", ICLR (the jackknife of first order).

    Example:
        >>> result = of_weights(np.log([[1.0, 3.0]]))
        >>> [round(float(array[0]), 4) for array in (result.estimate, result.effective_sample_size, result.elbo)]
        [0.6931, 1.6, 0.5493]
    """
    weights = np.asarray(log_weights, np.float64)
    num_samples = weights.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.logaddexp.reduce(weights, axis=1)
        # Weights that are all zero are equal, too: their effective sample size is K.
        log_size = np.where(
            np.isfinite(total), 2 * total - np.logaddexp.reduce(2 * weights, axis=1), np.log(num_samples)
        )
        size = np.clip(np.exp(log_size), 1, num_samples)
        error = np.sqrt(np.maximum(1 / size - 1 / num_samples, 0) * np.divide(num_samples, num_samples - 1))
        estimate = total - np.log(num_samples)
        return LogLikelihood(
            estimate, size, error, pareto_k(weights), _jackknife(weights, total, estimate), weights.mean(axis=1)
        )


def _jackknife(
    weights: Float[np.ndarray, "num samples"], total: Float[np.ndarray, " num"], estimate: Float[np.ndarray, " num"]
) -> Float[np.ndarray, " num"]:
    """K L_K − (K − 1) times the mean of the estimates that leave one sample out."""
    num_samples = weights.shape[1]
    if num_samples == 1:
        return estimate
    # log(Σw − wₖ) = log Σw + log(1 − wₖ/Σw). A weight that is the whole sum leaves nothing behind: no finite value.
    left_out = total[:, None] + np.log1p(-np.exp(weights - total[:, None])) - np.log(num_samples - 1)
    return num_samples * estimate - (num_samples - 1) * left_out.mean(axis=1)
