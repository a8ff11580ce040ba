"""All that the checks look at: measured once for a trained model on its data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Scalar

from vae_jax.data.dataset import Dataset
from vae_jax.data.examples import abstract_example, is_computed, named_arrays, part_of
from vae_jax.data.spread import spread
from vae_jax.distributions import Normal, Quantised, has_density
from vae_jax.distributions.support import is_real
from vae_jax.evaluation.bound import standard_error
from vae_jax.evaluation.every_example import over_stored
from vae_jax.evaluation.evidence.importance_sampling import log_weights
from vae_jax.evaluation.evidence.proposals import NUM_MOMENTS, fitted_proposal
from vae_jax.evaluation.fitted import Fit
from vae_jax.evaluation.latent_space.order import latent_order
from vae_jax.experiment import Experiment
from vae_jax.keys import key_of
from vae_jax.types import Key, Params
from vae_jax.vae import draw

NUM_EXAMPLES, NUM_FITTED, NUM_ROWS = 1_000, 40, 20_000
"""Numbers of examples, at most, for bounds, for fitted posteriors, and for comparing the rows of splits."""


class OfSplit(NamedTuple):
    """Means over some examples of a split, in nats per example."""

    bound: float
    bound_error: float
    log_likelihood: float
    kl: float
    fitted_gain: float | None
    """The ELBO of a normal that is fitted to each example, less that of the encoder; None where none can be."""


class Evidence(NamedTuple):
    """All that is known of a trained model."""

    evaluation: Mapping[str, Any]
    """The contents of `evaluation.json`; empty for a run that has not ended."""
    metrics: Sequence[Mapping[str, Any]]
    """The lines of `metrics.jsonl`."""
    splits: Mapping[str, OfSplit] | None
    """For "train" and "test"; None for codes without a density."""
    order: Mapping[str, Any] | None
    """The numbers of `latent_order`; None where there are too few examples, or a code is a choice."""
    residual: float | None
    """The mean of ((x − μ)/σ)² over all entries, 1 where a normal p(x|z) is right; None for other families."""
    values: tuple[float, float] | None
    """Mean and deviation of what the model sees, where that is one array with a density."""
    size: int | None
    """The number of entries of an example that is one array."""
    shared: Mapping[str, float]
    """Split -> the share of its rows that are rows of the training split, too."""
    classes: Mapping[str, Sequence[int]] | None
    """Split -> the number of examples of each class."""


def evidence(
    experiment: Experiment, params: Params, evaluation: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]
) -> Evidence:
    """Measure all that the checks look at.

    Args:
        experiment: The experiment.
        params: The trained parameters.
        evaluation: The contents of its `evaluation.json`; empty where there is none.
        metrics: The lines of its `metrics.jsonl`.
    """
    dataset, fit = experiment.dataset, experiment.fitted
    train, test = (dataset.split(name).examples for name in ("train", "test"))
    of_one = partial(_parts, fit, params)
    posterior, likelihood, x, prior = jax.eval_shape(of_one, abstract_example(train))
    draws = has_density(posterior) and not isinstance(posterior, Quantised)
    residual = _mean_of(fit, params, test, _residual) if isinstance(likelihood, Normal) and draws else None
    takes_gradients = has_density(prior) and is_real(prior)
    is_one = hasattr(x, "shape") and not np.any(np.asarray(getattr(likelihood, "is_discrete", True)))
    return Evidence(
        evaluation=evaluation,
        metrics=metrics,
        splits=_splits(fit, params, {"train": train, "test": test}, fits=takes_gradients) if draws else None,
        order=latent_order(fit)(params, train, test) if len(test) >= 100 and takes_gradients else None,
        residual=residual,
        values=_values(fit, params, test) if is_one else None,
        size=int(np.prod(x.shape)) if hasattr(x, "shape") else None,
        shared=_shared(dataset),
        classes=_classes(dataset),
    )


def _parts(fit: Fit, params: Params, stored: Any) -> tuple[Any, Any, Any, Any]:
    vae, x = fit(params).at(key_of(0), stored)
    one = draw(key_of(0), vae, x)
    return vae.posterior(x), one.likelihood, x, vae.prior


def _some(examples: Any, num: int) -> Any:
    return part_of(examples, spread(len(examples), num))


def _mean_of(fit: Fit, params: Params, examples: Any, of: Callable[[Key, Any, Any], Scalar]) -> float:
    def of_one(transform_key: Key, key: Key, params: Params, stored: Any) -> Scalar:
        return of(key, *fit(params).at(transform_key, stored))

    return float(np.mean(over_stored(of_one)(params, _some(examples, NUM_EXAMPLES)), dtype=np.float64))


def _residual(key: Key, vae: Any, x: Any) -> Scalar:
    likelihood = draw(key, vae, x).likelihood
    return jnp.mean(((x - likelihood.loc) / likelihood.scale) ** 2)


def _values(fit: Fit, params: Params, examples: Any) -> tuple[float, float]:
    first = _mean_of(fit, params, examples, lambda key, vae, x: jnp.mean(x))
    return first, _mean_of(fit, params, examples, lambda key, vae, x: jnp.mean((x - first) ** 2)) ** 0.5


def _splits(fit: Fit, params: Params, splits: Mapping[str, Any], *, fits: bool) -> dict[str, OfSplit]:
    def of_one(transform_key: Key, key: Key, params: Params, stored: Any) -> tuple[Scalar, Scalar, Scalar]:
        fitted = fit(params)
        vae, x = fitted.at(transform_key, stored)
        value, metrics, *_ = fitted.bound(key, vae, x)
        return value, metrics.get("log_likelihood", value), metrics.get("kl", jnp.zeros(()))

    def gain_of_one(transform_key: Key, key: Key, params: Params, stored: Any) -> Scalar:
        fit_key, *keys = jax.random.split(key, 3)
        fitted = fitted_proposal(fit_key, *fit(params).at(transform_key, stored))
        elbo_of = lambda key, q: jnp.mean(log_weights(fit, transform_key, key, params, stored, NUM_MOMENTS, q))
        better, own = map(elbo_of, keys, (fitted, None))
        return better - own

    bounds, gains = over_stored(of_one), over_stored(gain_of_one, batch_size=10)
    found = {}
    for name, examples in splits.items():
        value, log_likelihood, kl = bounds(params, _some(examples, NUM_EXAMPLES))
        gain = float(np.mean(gains(params, _some(examples, NUM_FITTED)))) if fits else None
        mean = lambda values: float(np.mean(values, dtype=np.float64))
        found[name] = OfSplit(mean(value), standard_error(value), mean(log_likelihood), mean(kl), gain)
    return found


def _shared(dataset: Dataset) -> dict[str, float]:
    """The share of each other split's rows that stand in the training split, too; of examples that are stored."""
    if any(is_computed(array) for _, array in named_arrays(dataset.train.examples)):
        return {}

    def rows(name: str, num: int) -> list[bytes]:
        examples = dataset.split(name).examples
        chosen = _some(examples, num)
        arrays = [np.asarray(array[: len(chosen)]).reshape(len(chosen), -1) for _, array in named_arrays(chosen)]
        joined = (b"".join(array[row].tobytes() for array in arrays) for row in range(len(chosen)))
        return [hashlib.sha256(row).digest() for row in joined]

    known = set(rows("train", NUM_ROWS))
    others = [name for name in dataset.splits if name != "train"]
    return {name: float(np.mean([row in known for row in rows(name, NUM_ROWS)])) for name in others}


def _classes(dataset: Dataset) -> dict[str, list[int]] | None:
    if dataset.factor_names or any(split.labels is None for split in dataset.splits.values()):
        return None
    labels = {name: np.asarray(split.labels[: len(split.labels)]) for name, split in dataset.splits.items()}  # type: ignore[index, arg-type]
    if any(of.ndim != 1 or not np.issubdtype(of.dtype, np.integer) for of in labels.values()):
        return None
    num = 1 + max(int(of.max()) for of in labels.values())
    return {name: np.bincount(of, minlength=num).tolist() for name, of in labels.items()}
