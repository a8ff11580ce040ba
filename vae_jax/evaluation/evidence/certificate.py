"""Every estimate of log p(x) on the same examples, what each is worth, and the gap of the bound taken apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student_t

from vae_jax.data.examples import Examples
from vae_jax.evaluation.bound import standard_error
from vae_jax.evaluation.evidence.annealed import Annealed, annealed, simulating
from vae_jax.evaluation.evidence.importance_sampling import Propose, log_likelihood_of
from vae_jax.evaluation.evidence.proposals import fitted_proposal
from vae_jax.evaluation.evidence.settings import Annealing
from vae_jax.evaluation.evidence.weights import LogLikelihood
from vae_jax.evaluation.fitted import Fit
from vae_jax.types import Params

CONFIDENCE = 0.99
"""That of the interval around the log-likelihood of simulated examples."""

ENCODER, FITTED, ANNEALED = "importance sampling, encoder", "importance sampling, fitted", "annealing"
"""Names of the estimates: draws from the encoder's q(z|x), from a normal that is fitted to each example, and chains."""


class Interval(NamedTuple):
    """Two numbers that hold the mean log p(x) of some examples between them, in nats per example."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """upper − lower."""
        return self.upper - self.lower


def two_sided(lower: Float[np.ndarray, " num"], upper: Float[np.ndarray, " num"]) -> Interval:
    """An interval that holds the mean log p(x) of examples with 99 % confidence, from stochastic bounds of each.

    The bounds hold in expectation; each end is moved out by the error of the mean gap upper − lower, over the examples,
    which are independent of each other as the chains from one exact sample are not.

    Args:
        lower: In expectation at most log p(x), nats.
        upper: In expectation at least log p(x), nats.

    Raises:
        ValueError: If there are fewer than two examples, from which no error can be told.
    """
    if len(lower) < 2:
        raise ValueError(f"expected at least 2 examples for an interval; got {len(lower)}; take more")
    margin = float(student_t.ppf((1 + CONFIDENCE) / 2, len(lower) - 1)) * standard_error(upper - lower)
    return Interval(float(np.mean(lower)) - margin, float(np.mean(upper)) + margin)


class Certificate(NamedTuple):
    """All estimates for the same examples."""

    importance: dict[str, LogLikelihood]
    """By importance sampling: from the encoder's q(z|x), and from a fitted one where there can be one."""
    annealed: Annealed | None
    """By annealing; None where the latents do not take it."""


def certifier(
    fit: Fit, *, num_samples: int, annealing: Annealing | None, simulated: bool = False, seed: int = 0
) -> Callable[[Params, Examples], Certificate]:
    """All estimates of log p(x), as a function that compiles once.

    Args:
        fit: The model, as it is evaluated.
        num_samples: K of importance sampling.
        annealing: How chains are led; None for importance sampling from the encoder's q(z|x) alone, which is all that
            classes, codes and directions take.
        simulated: Whether the examples are drawn from the model: then log p(x) is bounded from above, too.
        seed: Seed of the evaluation's own randomness.
    """
    of_data = simulating(fit) if simulated else fit
    proposals: dict[str, Propose | None] = {ENCODER: None}
    if annealing is not None:
        proposals[FITTED] = fitted_proposal
    sampled = {
        name: log_likelihood_of(of_data, num_samples=num_samples, seed=seed, propose=propose)
        for name, propose in proposals.items()
    }
    chains = None if annealing is None else annealed(fit, annealing, simulated=simulated, seed=seed)

    def certified(params: Params, examples: Examples) -> Certificate:
        importance = {name: estimate(params, examples) for name, estimate in sampled.items()}
        return Certificate(importance, None if chains is None else chains(params, examples))

    return certified


def summary(certificate: Certificate) -> dict[str, Any]:
    """The numbers of a certificate, means over its examples, as they are written to a file.

    Returns:
        `estimates`, name -> {`log_likelihood`, `error` (that of the estimation, not of the choice of examples), and of
        importance sampling `elbo`, `jackknife`, the median `effective_sample_size`, `share_of_heavy_tails` (of examples
        whose k̂ is above 0.7) and `is_trusted`}; `thermodynamic`; `interval` (of simulated examples); and `gap`.
        Nats per example; None where something cannot be told.
    """
    estimates = {name: _of_importance(result) for name, result in certificate.importance.items()}
    chains = certificate.annealed
    result: dict[str, Any] = {"estimates": estimates, "thermodynamic": None, "interval": None}
    if chains is not None:
        estimates[ANNEALED] = {
            "log_likelihood": _mean(chains.lower),
            "error": _error(chains.lower_error),
            "acceptance": _mean(chains.acceptance),
        }
        result["thermodynamic"] = _mean(chains.thermodynamic)
        if chains.upper is not None:
            estimates[ANNEALED]["upper"] = _mean(chains.upper)
            result["interval"] = list(two_sided(chains.lower, chains.upper))
    return result | {"gap": gap(estimates)}


def gap(estimates: dict[str, dict[str, Any]]) -> dict[str, float] | None:
    """The gap between log p(x) and the ELBO: how much of it the family of q is to blame for, and how much the encoder.

    Args:
        estimates: As in `summary`.

    Returns:
        `log_likelihood`, the greatest of the estimates, which are all too low; `approximation`, from there to the ELBO
        of a normal that is fitted to each example; `amortisation`, from there to that of the encoder, and negative
        where a richer family beats the normal; nats per example. None without a fitted normal.

    Source: Cremer, Li & Duvenaud 2018, arXiv:1801.03558 (approximation and amortisation gap).
    """
    if FITTED not in estimates:
        return None
    best = max(each["log_likelihood"] for each in estimates.values())
    fitted, encoder = (estimates[name]["elbo"] for name in (FITTED, ENCODER))
    return {"log_likelihood": best, "approximation": best - fitted, "amortisation": fitted - encoder}


def in_digits(value: float, error: float) -> str:
    """A number with no more digits than its error supports, and the error with one digit.

    Example:
        >>> in_digits(-86.4613, 0.034), in_digits(-86.4613, 2.3), in_digits(-86.4613, 0.0)
        ('-86.46 ± 0.04', '-86 ± 3', '-86.4613 ± 0.0000')
    """
    if not math.isfinite(error):
        return f"{value:.0f}"
    places = 4 if error <= 0 else min(4, max(0, -math.floor(math.log10(error))))
    rounded_up = math.ceil(error * 10**places - 1e-9) / 10**places
    return f"{value:.{places}f} ± {rounded_up:.{places}f}"


def _of_importance(result: LogLikelihood) -> dict[str, Any]:
    share = result.share_of_heavy_tails
    return {
        "log_likelihood": _mean(result.estimate),
        "error": _error(result.standard_error),
        "elbo": _mean(result.elbo),
        "jackknife": _mean(result.jackknife),
        "effective_sample_size": float(np.median(result.effective_sample_size)),
        "share_of_heavy_tails": share,
        "is_trusted": share is not None and share <= SHARE_OF_HEAVY_TAILS,
    }


SHARE_OF_HEAVY_TAILS = 0.05
"""The share of examples with k̂ above 0.7 up to which the mean is trusted."""


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values, dtype=np.float64))


def _error(errors: np.ndarray) -> float:
    """The error of a mean of independent estimates."""
    return float(np.sqrt(np.sum(np.square(errors, dtype=np.float64))) / len(errors))
