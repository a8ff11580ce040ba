"""All numbers that are reported about a trained model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Scalar

from vae_jax.data.examples import Examples, part_of
from vae_jax.distributions import Bernoulli, Quantised, centre, has_density
from vae_jax.evaluation.bound import standard_error, validator
from vae_jax.evaluation.every_example import over_stored
from vae_jax.evaluation.evidence.importance_sampling import log_likelihood_of
from vae_jax.evaluation.evidence.proposals import fitted_proposal
from vae_jax.evaluation.fitted import Fit, Fitted
from vae_jax.types import Key, Objective, Params
from vae_jax.vae import Model

Proposal = Literal["encoder", "fitted"]

NOT_A_LIKELIHOOD = (
    "grey levels under a Bernoulli likelihood: every number here is a cross-entropy, not a likelihood, and cannot be "
    "compared with published ones"
)
DENSITY_OF_REPEATED_VALUES = (
    "a density of values that repeat exactly, as bytes do: its bits per dimension have no lower limit and are not "
    "those of the bytes; dequantise the data, or take a likelihood of levels or counts"
)

OF_CODES = ("code_usage", "code_perplexity", "rate_in_bits")
COLLAPSED = (
    "no latent dimension is active: a code says nothing about its example, and all codes decode to nearly the same "
    "(posterior collapse, or a training that has hardly begun); more steps, a slow warm-up of the KL, free bits, or a "
    "smaller scale of the likelihood's noise may help"
)

CERTAIN = (
    "the encoder is certain of its codes: the NLL is minus the ELBO, an upper bound that more samples do not tighten"
)


def evaluate(
    model: Model,
    bound: Objective,
    transform: Callable[[Key, Any], Any],
    params: Params,
    examples: Examples,
    *,
    num_samples: int,
    log_det: Callable[[Any], Scalar] | None = None,
    proposal: Proposal = "encoder",
    seed: int = 0,
) -> dict[str, Any]:
    """All numbers that are reported about a trained model on a split.

    Args:
        model: The model.
        bound: As in `bound_evaluator`.
        transform: `(key, stored example) -> x`.
        params: The model's parameters.
        examples: The split's examples, as stored.
        num_samples: K, the number of samples of the importance-sampled NLL.
        log_det: x -> log |dx / d stored| of the transform, nats: bits per dimension are for stored values. None for 0.
            A likelihood of masses has no volume to correct: `log_det` is not used where the family `is_discrete`.
        proposal: The distribution of the samples: the encoder's q(z|x), or a normal that is fitted to each example
            alone, whose estimate is nearer to log p(x).
        seed: Seed of the evaluation's own randomness.

    Returns:
        `elbo`, `elbo_standard_error`, `log_likelihood`, `kl`, `nll`, `nll_standard_error` (nats per example; the NLL
        has the sign of a loss: lower is better), `bits_per_dim` (for an x that is one array), `num_samples`,
        `proposal` ("encoder" or "fitted"), `effective_sample_size` (median), `share_of_heavy_tails` (of examples whose
        weights have k̂ above 0.7: their NLL is too high by more than its error says), `active_units`, `latent_size`,
        `kl_per_dimension`, `kl_per_group` (for a hierarchy), `code_usage`, `code_perplexity` and `rate_in_bits` (for
        codes), `squared_error`, `num_examples`, `seed`, and `notes`, a list of sentences. A bound and an NLL, which a
        point-mass posterior does not have, are None for it.
    """
    fit = lambda params: Fitted(model.bind(params), bound, transform, log_det)
    return evaluator(fit, num_samples=num_samples, proposal=proposal, seed=seed)(params, examples)


def evaluator(
    fit: Fit, *, num_samples: int, proposal: Proposal = "encoder", seed: int = 0
) -> Callable[[Params, Examples], dict[str, Any]]:
    """`evaluate` for a `Fit`, as a function that compiles once and may be called again."""
    propose = fitted_proposal if proposal == "fitted" else None
    validate = validator(fit, seed=seed)
    estimator = log_likelihood_of(fit, num_samples=num_samples, seed=seed, propose=propose)
    mean_log_det, is_binary, first_values = _mean_log_det(fit, seed), _is_binary(fit), _first_values(fit)

    def evaluated(params: Params, examples: Examples) -> dict[str, Any]:
        metrics = validate(params, examples)
        one = jax.tree.map(lambda array: array[0], examples[:1])
        posterior, likelihood, latent_size, size = _families(fit, params, one)
        has_bound = has_density(posterior)
        is_discrete = np.asarray(getattr(likelihood, "is_discrete", False))
        result = {
            "elbo": metrics["value"] if has_bound else None,
            "elbo_standard_error": metrics["value_standard_error"] if has_bound else None,
            "log_likelihood": metrics.get("log_likelihood"),
            "kl": metrics.get("kl"),
            "nll": None,
            "nll_standard_error": None,
            "bits_per_dim": None,
            "num_samples": num_samples,
            "proposal": None,
            "effective_sample_size": None,
            "share_of_heavy_tails": None,
            "active_units": metrics["active_units"],
            "latent_size": latent_size,
            "kl_per_dimension": metrics.get("kl_per_dimension"),
            **{name: metrics[name] for name in ("kl_per_group", *OF_CODES) if name in metrics},
            "squared_error": metrics.get("squared_error"),
            "num_examples": len(examples),
            "seed": seed,
            "notes": [],
        }
        if isinstance(posterior, Quantised):
            result["notes"].append(CERTAIN)
        if has_bound and latent_size and metrics["active_units"] == 0:
            result["notes"].append(COLLAPSED)
        if has_bound:
            log_likelihood = estimator(params, examples)
            nll = -float(np.mean(log_likelihood.estimate, dtype=np.float64))
            result |= {
                "nll": nll,
                "nll_standard_error": standard_error(log_likelihood.estimate),
                "proposal": proposal,
                "effective_sample_size": float(np.median(log_likelihood.effective_sample_size)),
                "share_of_heavy_tails": log_likelihood.share_of_heavy_tails,
            }
            if size is not None:
                volume = 0.0 if is_discrete.all() else mean_log_det(params, examples)
                result["bits_per_dim"] = bits_per_dim(nll, size, volume)
            if size is not None and not is_discrete.all() and _repeat(first_values(params, examples), ~is_discrete):
                result["notes"].append(DENSITY_OF_REPEATED_VALUES)
        else:
            result["num_samples"] = None
            result["notes"].append(
                "an autoencoder's code has no density, so there is no bound and no likelihood of the data"
            )
        if size is not None and isinstance(likelihood, Bernoulli) and not is_binary(params, examples):
            result["notes"].append(NOT_A_LIKELIHOOD)
        return result

    return evaluated


def bits_per_dim(nll: float, num_dimensions: int, log_det: float = 0.0) -> float:
    """Bits for each dimension of a stored example: (NLL − log |dx / d stored|) / (d log 2).

    Args:
        nll: Nats per example.
        num_dimensions: d.
        log_det: log |dx / d stored|, nats, a mean over examples; −d log 255 for bytes scaled to [0, 1], 0 for binary
            data.

    Example:
        >>> bits_per_dim(nll=10 * math.log(2), num_dimensions=10)
        1.0
    """
    return (nll - log_det) / (num_dimensions * math.log(2))


def _families(fit: Fit, params: Params, example: Any) -> tuple[Any, Any, int, int | None]:
    """Posterior and likelihood without their numbers, and the sizes of z and x; nothing is computed.

    The size of x is None where it has several parts: some parts may say which entries of others are present.
    """

    def distributions(params: Params, example: Any) -> Any:
        vae, x = fit(params).at(jax.random.key(0), example)
        posterior = vae.posterior(x)
        return posterior, vae.likelihood(centre(posterior)), centre(posterior), x

    posterior, likelihood, z, x = jax.eval_shape(distributions, params, example)
    return posterior, likelihood, _num_elements(z), math.prod(x.shape) if hasattr(x, "shape") else None


def _num_elements(tree: Any) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def _mean_log_det(fit: Fit, seed: int) -> Callable[[Params, Examples], float]:
    def of_one(transform_key: Key, key: Key, params: Params, stored: Any) -> Scalar:
        fitted = fit(params)
        log_det = fitted.log_det or (lambda x: jnp.zeros(()))
        return log_det(fitted.at(transform_key, stored)[1])

    # With the same draws as the likelihood: with the same seed an example has the same dequantisation noise.
    of_all = over_stored(of_one, seed=seed)
    return lambda params, examples: float(np.mean(of_all(params, examples), dtype=np.float64))


def _is_binary(fit: Fit) -> Callable[[Params, Examples], bool]:
    def of_one(transform_key: Key, key: Key, params: Params, stored: Any) -> Array:
        _, x = fit(params).at(transform_key, stored)
        return ((x == 0) | (x == 1)).all()

    of_all = over_stored(of_one)
    return lambda params, examples: bool(np.all(of_all(params, examples)))


def _first_values(fit: Fit) -> Callable[[Params, Examples], np.ndarray]:
    of_all = over_stored(lambda transform_key, key, params, stored: fit(params).at(transform_key, stored)[1])
    return lambda params, examples: of_all(params, part_of(examples, range(min(len(examples), 1_000))))


def _repeat(values: np.ndarray, entries: np.ndarray) -> bool:
    """Whether values repeat in these entries (a mask): fewer than half of them are distinct."""
    chosen = values[:, np.broadcast_to(entries, values.shape[1:])]
    return np.unique(chosen).size < chosen.size / 2
