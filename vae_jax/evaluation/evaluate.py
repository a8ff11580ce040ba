"""One evaluation, for validation and for the final report alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Scalar

from vae_jax.data.examples import Examples, part_of
from vae_jax.distributions import Bernoulli, PointMass
from vae_jax.evaluation.latent import code, num_active_units
from vae_jax.evaluation.likelihood import importance_sampled_log_likelihood
from vae_jax.evaluation.over_examples import over_examples
from vae_jax.types import Key, Objective, Params
from vae_jax.vae import Model

NOT_A_LIKELIHOOD = (
    "grey levels under a Bernoulli likelihood: every number here is a cross-entropy, not a likelihood, and cannot be "
    "compared with published ones"
)
DENSITY_OF_REPEATED_VALUES = (
    "a density of values that repeat exactly, as bytes do: its bits per dimension have no lower limit and are not "
    "those of the bytes; dequantise the data, or take a likelihood of levels or counts"
)


def bound_evaluator(
    model: Model, bound: Objective, transform: Callable[[Key, Array], Array], *, seed: int = 0, batch_size: int = 500
) -> Callable[[Params, Examples], dict[str, Any]]:
    """The bound over a split, and what the latent dimensions do: what is validated is what is reported.

    Args:
        model: Whose parameters are evaluated.
        bound: `elbo`, or another objective of one example.
        transform: `(key, stored example) -> x`.
        seed: Of the evaluation's own randomness; the same draw for every call.
        batch_size: How many examples are computed at once.

    Returns:
        A function `(params, stored examples) -> metrics`, means over the examples: `value` (nats per example, higher
        is better), `value_standard_error`, the metrics of the bound, `squared_error` (of the mean of p(x|z) at the
        posterior's mean, summed over an example), `active_units`, and `kl_per_dimension` (nats) where it is known.
    """

    def of_one(key: Key, params: Params, x: Array) -> dict[str, Any]:
        vae = model.bind(params)
        value, metrics = bound(key, vae, x)
        latent = code(vae, x)
        error = ((vae.likelihood(latent.mean).mean() - x) ** 2).sum()
        return metrics | {"value": value, "squared_error": error, "code": latent}

    evaluate = over_examples(of_one, transform, seed=seed, batch_size=batch_size)

    def metrics(params: Params, examples: Examples) -> dict[str, Any]:
        results = evaluate(params, examples)
        latent = results.pop("code")
        # In float64, so that the mean of many is as exact as each.
        line: dict[str, Any] = {name: float(np.mean(values, dtype=np.float64)) for name, values in results.items()}
        line["value_standard_error"] = standard_error(results["value"])
        line["active_units"] = num_active_units(latent.mean.reshape(len(examples), -1))
        if latent.kl_per_dimension is not None:
            line["kl_per_dimension"] = latent.kl_per_dimension.mean(axis=0, dtype=np.float64).reshape(-1).tolist()
        return line

    return metrics


def evaluate(
    model: Model,
    bound: Objective,
    transform: Callable[[Key, Array], Array],
    params: Params,
    examples: Examples,
    *,
    num_samples: int,
    log_det: Callable[[Array], Scalar] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """All that is reported of a trained model on a split.

    Args:
        model: The model.
        bound: As in `bound_evaluator`.
        transform: `(key, stored example) -> x`.
        params: Its parameters.
        examples: As stored.
        num_samples: K of the importance-sampled NLL.
        log_det: x -> log |dx / d stored| of the transform, nats: bits per dimension are of stored values. None for 0.
            A likelihood of masses has no volume to correct: it is left out where the family `is_discrete`.
        seed: Of the evaluation's own randomness.

    Returns:
        `elbo`, `elbo_standard_error`, `log_likelihood`, `kl`, `nll`, `nll_standard_error` (nats per example; the NLL
        has the sign of a loss: lower is better), `bits_per_dim`, `num_samples`, `effective_sample_size` (median),
        `active_units`, `latent_size`, `kl_per_dimension`, `squared_error`, `num_examples`, `seed`, and `notes`, a list
        of sentences. What a point-mass posterior does not have (a bound, an NLL) is None.
    """
    metrics = bound_evaluator(model, bound, transform, seed=seed)(params, examples)
    posterior, likelihood, latent_size, size = _families(model, transform, params, examples[:1][0])
    has_bound = not isinstance(posterior, PointMass)
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
        "effective_sample_size": None,
        "active_units": metrics["active_units"],
        "latent_size": latent_size,
        "kl_per_dimension": metrics.get("kl_per_dimension"),
        "squared_error": metrics["squared_error"],
        "num_examples": len(examples),
        "seed": seed,
        "notes": [],
    }
    if has_bound:
        estimator = importance_sampled_log_likelihood(model.bind, transform, num_samples=num_samples, seed=seed)
        log_likelihood = estimator(params, examples)
        nll = -float(np.mean(log_likelihood.estimate, dtype=np.float64))
        volume = 0.0 if is_discrete.all() else _mean_log_det(log_det, transform, examples, seed)
        result |= {
            "nll": nll,
            "nll_standard_error": standard_error(log_likelihood.estimate),
            "bits_per_dim": bits_per_dim(nll, size, volume),
            "effective_sample_size": float(np.median(log_likelihood.effective_sample_size)),
        }
        if not is_discrete.all() and _repeats(transform, examples, ~is_discrete):
            result["notes"].append(DENSITY_OF_REPEATED_VALUES)
    else:
        result["num_samples"] = None
        result["notes"].append(
            "an autoencoder's code has no density, so there is no bound and no likelihood of the data"
        )
    if isinstance(likelihood, Bernoulli) and not _is_binary(transform, examples):
        result["notes"].append(NOT_A_LIKELIHOOD)
    return result


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


def standard_error(values: np.ndarray) -> float:
    """Of the mean of independent values: their standard deviation / √n; zero for a single one."""
    values = np.asarray(values, np.float64)
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _families(
    model: Model, transform: Callable[[Key, Array], Array], params: Params, example: np.ndarray
) -> tuple[Any, Any, int, int]:
    """Posterior and likelihood without their numbers, and the sizes of z and x, without computing anything."""

    def distributions(params: Params, example: Array) -> Any:
        vae = model.bind(params)
        x = transform(jax.random.key(0), example)
        posterior = vae.posterior(x)
        return posterior, vae.likelihood(posterior.mean()), posterior.mean(), x

    posterior, likelihood, z, x = jax.eval_shape(distributions, params, example)
    return posterior, likelihood, math.prod(z.shape), math.prod(x.shape)


def _mean_log_det(
    log_det: Callable[[Array], Scalar] | None,
    transform: Callable[[Key, Array], Array],
    examples: Examples,
    seed: int,
) -> float:
    if log_det is None:
        return 0.0
    # By the same draws as the likelihood: with the same seed an example has the same dequantisation noise.
    values = over_examples(lambda key, params, x: log_det(x), transform, seed=seed)(None, examples)
    return float(np.mean(values, dtype=np.float64))


def _is_binary(transform: Callable[[Key, Array], Array], examples: Examples) -> bool:
    values = over_examples(lambda key, params, x: ((x == 0) | (x == 1)).all(), transform)(None, examples)
    return bool(np.all(values))


def _repeats(transform: Callable[[Key, Array], Array], examples: Examples, entries: np.ndarray) -> bool:
    """Whether the values in these entries (a mask) are fewer than half as many as they could be."""
    values = over_examples(lambda key, params, x: x, transform)(
        None, part_of(examples, range(min(len(examples), 1_000)))
    )
    chosen = values[:, np.broadcast_to(entries, values.shape[1:])]
    return np.unique(chosen).size < chosen.size / 2
