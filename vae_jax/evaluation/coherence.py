"""Whether one modality, generated from another, is of the same class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vae_jax.data import Dataset
from vae_jax.evaluation.every_example import over_examples
from vae_jax.generation import complete
from vae_jax.types import Key, Params
from vae_jax.vae import Model

_MOST = 10_000
_RIDGE = 10.0


def cross_coherence(
    model: Model, transform: Callable[[Key, Any], Any], dataset: Dataset, *, split: str = "test"
) -> Callable[[Params], dict[str, float]]:
    """Parameters -> `B_from_A`, the share of parts B, generated from A, that a classifier gives the label of A.

    The classifier of each modality is a ridge regression of the labels on the training examples, at most 10,000 of
    them. `B_itself` is its share on the real parts B; generated ones, which are means, may be easier.

    Args:
        model: A model of `models.multimodal`.
        transform: `(key, stored example) -> x`.
        dataset: Labelled examples of several parts, such as `data.paired` makes.
        split: The split whose examples are completed.

    Source: Shi, Siddharth, Paige & Torr 2019, arXiv:1911.03393 (cross coherence). Differs from the paper:
    the classifier is linear.
    """
    num_classes = dataset.num_classes

    def seen(split: str) -> tuple[Any, np.ndarray]:
        stored = dataset.split(split).part(range(min(_MOST, len(dataset.split(split).examples))))
        x = over_examples(lambda key, params, x: {k: v for k, v in x.items() if k != "condition"}, transform)
        return x((), stored.examples), np.asarray(stored.labels)

    def measures(params: Params) -> dict[str, float]:
        train, train_labels = seen("train")
        test, labels = seen(split)
        classify = {name: _classifier(part, train_labels, num_classes) for name, part in train.items()}
        found = {f"{name}_itself": _share(classify[name](part), labels) for name, part in test.items()}
        for given in sorted(test):
            made = jax.jit(lambda params, x, given=given: complete(model.bind(params), x, given))(params, test)
            others = {name: part for name, part in made.items() if name != given}
            found |= {f"{name}_from_{given}": _share(classify[name](part), labels) for name, part in others.items()}
        return found

    return measures


def _classifier(x: Any, labels: np.ndarray, num_classes: int) -> Callable[[Any], Array]:
    """Rows -> classes, by the ridge regression of one-hot labels on rows and a constant."""
    rows = _rows(x)
    inner = rows.T @ rows + _RIDGE * jnp.eye(rows.shape[1])
    weights = jnp.linalg.solve(inner, rows.T @ jax.nn.one_hot(labels, num_classes))
    return lambda x: (_rows(x) @ weights).argmax(axis=1)


def _rows(x: Any) -> Array:
    flat = jnp.asarray(x).reshape(len(x), -1)
    return jnp.concatenate([flat, jnp.ones((len(flat), 1))], axis=1)


def _share(found: Array, labels: np.ndarray) -> float:
    return float(np.mean(np.asarray(found) == labels))
