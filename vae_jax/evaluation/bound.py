"""The bound over a split, in training and after it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Scalar

from vae_jax.data.examples import Examples
from vae_jax.distributions import centre
from vae_jax.evaluation.chosen import use_of
from vae_jax.evaluation.every_example import over_stored
from vae_jax.evaluation.fitted import Fit, Fitted
from vae_jax.evaluation.latent import code, num_active_units, rows_of
from vae_jax.types import Key, Objective, Params
from vae_jax.vae import Model


def bound_evaluator(
    model: Model, bound: Objective, transform: Callable[[Key, Any], Any], *, seed: int = 0, batch_size: int = 500
) -> Callable[[Params, Examples], dict[str, Any]]:
    """The bound over a split and the use of the latent dimensions, the same in validation and in reports.

    Args:
        model: The model whose parameters are evaluated.
        bound: `elbo`, or another objective of one example.
        transform: `(key, stored example) -> x`.
        seed: Seed of the evaluation's own randomness; every call has the same draw.
        batch_size: Number of examples that are computed at once.

    Returns:
        A function `(params, stored examples) -> metrics`, means over the examples: `value` (nats per example, higher
        is better), `value_standard_error`, the metrics of the bound, `squared_error` (of the mean of p(x|z) at the
        posterior's mean, summed over an example; where both are of one shape), `active_units`, and `kl_per_dimension`
        and, for a hierarchy, `kl_per_group` (nats) where they are known; for codes, `code_usage`, `code_perplexity` and
        `rate_in_bits`.
    """
    return validator(lambda params: Fitted(model.bind(params), bound, transform), seed=seed, batch_size=batch_size)


def validator(fit: Fit, *, seed: int = 0, batch_size: int = 500) -> Callable[[Params, Examples], dict[str, Any]]:
    """`bound_evaluator` for a `Fit`."""
    of_all = over_stored(partial(of_one, fit), seed=seed, batch_size=batch_size)
    return lambda params, examples: _means(of_all(params, examples))


def lanes_validator(fit: Fit, *, batch_size: int) -> Callable[[Params, Examples], list[dict[str, Any]]]:
    """`validator` for parameters with a leading axis of lanes, all in one program: metrics for each lane."""
    of_all = over_stored(partial(of_one, fit), batch_size=batch_size, in_lanes=True)

    def of_lanes(params: Params, examples: Examples) -> list[dict[str, Any]]:
        results = of_all(params, examples)
        num_lanes = len(jax.tree.leaves(results)[0])
        return [_means(jax.tree.map(lambda array, lane=lane: array[lane], results)) for lane in range(num_lanes)]

    return of_lanes


def of_one(fit: Fit, transform_key: Key, key: Key, params: Params, stored: Any) -> dict[str, Any]:
    """The validated quantities of one example: the bound, its metrics, the error of the decoded code, and the code."""
    fitted = fit(params)
    vae, x = fitted.at(transform_key, stored)
    value, metrics, *_ = fitted.bound(key, vae, x)
    latent = code(key, vae, x)
    error = _squared_error(vae.likelihood(centre(vae.posterior(x))).mean(), x)
    return metrics | {"value": value, "code": latent} | ({} if error is None else {"squared_error": error})


def _squared_error(mean: Any, x: Any) -> Scalar | None:
    """Squared error, summed over all entries; None where mean and x differ in shape: the mean may be a part of x."""
    if jax.tree.map(jnp.shape, mean) != jax.tree.map(jnp.shape, x):
        return None
    errors = jax.tree.map(lambda mean, x: jnp.sum((mean - x) ** 2), mean, x)
    return jax.tree.reduce(operator.add, errors)


def _means(results: dict[str, Any]) -> dict[str, Any]:
    results = dict(results)
    latent = results.pop("code")
    # In float64, so that the mean of many is as exact as each.
    line: dict[str, Any] = {name: float(np.mean(values, dtype=np.float64)) for name, values in results.items()}
    line["value_standard_error"] = standard_error(results["value"])
    line["active_units"] = num_active_units(rows_of(latent.mean))
    if latent.kl_per_dimension is not None:
        line["kl_per_dimension"] = latent.kl_per_dimension.mean(axis=0, dtype=np.float64).reshape(-1).tolist()
    if latent.kl_per_group is not None:
        line["kl_per_group"] = {
            name: float(np.mean(values, dtype=np.float64)) for name, values in latent.kl_per_group.items()
        }
    return line if latent.chosen is None else line | use_of(latent.chosen)


def standard_error(values: np.ndarray) -> float:
    """Standard error of the mean of independent values: their standard deviation / √n; zero for a single value."""
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # of a model that has diverged
        return float(values.std(ddof=1) / math.sqrt(len(values)))
