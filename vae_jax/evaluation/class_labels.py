"""Classes that a model tells apart, beside the labels of the examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Array, Float, Int

from vae_jax.data import Split
from vae_jax.data.examples import Examples
from vae_jax.distributions import centre
from vae_jax.evaluation.every_example import over_examples
from vae_jax.latent_classes import class_probabilities
from vae_jax.types import Key, Params
from vae_jax.vae import Model


def classes(
    model: Model, transform: Callable[[Key, Any], Any], params: Params, examples: Examples, *, seed: int = 0
) -> Int[np.ndarray, " num"]:
    """The most probable latent class of each example, by `latent_classes.class_probabilities`.

    Args:
        model: A model with latent classes.
        transform: `(key, stored example) -> x`.
        params: Its parameters.
        examples: The examples, as stored.
        seed: Seed of the evaluation's own randomness, as in `evaluate`.

    Raises:
        TypeError: If the model has no latent classes.
    """

    def of_one(key: Key, params: Params, x: Any) -> Array:
        return class_probabilities(model.bind(params), x).argmax()

    return over_examples(of_one, transform, seed=seed)(params, examples)


def class_errors(
    model: Model, transform: Callable[[Key, Any], Any], split: Split
) -> Callable[[Params], dict[str, float]]:
    """Parameters -> `error`, the `error_rate` of a model's classes on a labelled split, for `Experiment.measures`."""
    return lambda params: {"error": error_rate(classes(model, transform, params, split.examples), _labels(split))}


def cluster_agreement(
    model: Model, transform: Callable[[Key, Any], Any], split: Split
) -> Callable[[Params], dict[str, float]]:
    """Parameters -> `accuracy` (`best_assignment_accuracy`) and `adjusted_rand_index` of a model's latent classes."""

    def measures(params: Params) -> dict[str, float]:
        found, labels = classes(model, transform, params, split.examples), _labels(split)
        return {
            "accuracy": best_assignment_accuracy(found, labels),
            "adjusted_rand_index": adjusted_rand_index(found, labels),
        }

    return measures


def nearest_code_errors(
    model: Model, transform: Callable[[Key, Any], Any], labelled: dict[str, Array], split: Split
) -> Callable[[Params], dict[str, float]]:
    """Parameters -> `error` where an example gets the label of the labelled one with the nearest code: M1.

    Args:
        model: A model whose code is an array.
        transform: `(key, stored example) -> x`.
        labelled: `x` and one-hot `label`, as `data.few_labels` draws them.
        split: The examples and their labels.

    Source: Kingma, Rezende, Mohamed & Welling 2014, arXiv:1406.5298, section 2, M1. Differs from the paper: the
    classifier of the codes is the nearest neighbour, not a transductive SVM.
    """
    encode = over_examples(lambda key, params, x: centre(model.bind(params).posterior(x)), transform)

    def measures(params: Params) -> dict[str, float]:
        known, codes = encode(params, np.asarray(labelled["x"])), encode(params, split.examples)
        distances = np.square(known).sum(axis=1) - 2 * codes @ known.T
        found = np.asarray(labelled["label"]).argmax(axis=1)[distances.argmin(axis=1)]
        return {"error": error_rate(found, _labels(split))}

    return measures


def _labels(split: Split) -> np.ndarray:
    if split.labels is None:
        raise ValueError("expected a split with labels; got none; name them with --data.labels")
    return np.asarray(split.labels[: len(split.examples)])


def error_rate(found: Int[np.ndarray, " num"], labels: Int[np.ndarray, " num"]) -> float:
    """The share of examples whose class is not their label, in [0, 1]."""
    return float(np.mean(np.asarray(found) != np.asarray(labels)))


def best_assignment_accuracy(clusters: Int[np.ndarray, " num"], labels: Int[np.ndarray, " num"]) -> float:
    """The share of examples whose cluster is that of their label, for the best one-to-one map of clusters to labels.

    Where there are more clusters than labels, those that get no label count as wrong.

    Source: Xie, Girshick & Farhadi 2016, arXiv:1511.06335, equation 10; Kuhn 1955 (the Hungarian algorithm).

    Example:
        >>> best_assignment_accuracy(np.array([2, 2, 0, 1]), np.array([0, 0, 1, 1]))
        0.75
    """
    from scipy.optimize import linear_sum_assignment

    table = _contingency(clusters, labels)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(table[rows, columns].sum() / table.sum())


def adjusted_rand_index(clusters: Int[np.ndarray, " num"], labels: Int[np.ndarray, " num"]) -> float:
    """The agreement of two partitions on pairs of examples, corrected for chance: 1 for the same, 0 for unrelated ones.

    Source: Hubert & Arabie 1985, "Comparing Partitions", equation 5.

    Example:
        >>> adjusted_rand_index(np.array([5, 5, 1, 1]), np.array([0, 0, 1, 1]))
        1.0
    """
    table = _contingency(clusters, labels)
    pairs = lambda counts: (counts * (counts - 1) / 2).sum()
    together, of_clusters, of_labels = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = of_clusters * of_labels / max(pairs(table.sum()), 1)
    most = (of_clusters + of_labels) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _contingency(
    clusters: Int[np.ndarray, " num"], labels: Int[np.ndarray, " num"]
) -> Float[np.ndarray, "cluster label"]:
    """The number of examples of each cluster and label, those without examples left out."""
    (rows, row), (columns, column) = (np.unique(values, return_inverse=True) for values in (clusters, labels))
    table = np.zeros((len(rows), len(columns)))
    np.add.at(table, (row, column), 1)
    return table
