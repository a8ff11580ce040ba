"""A few labelled examples out of many, for learning where most labels are hidden."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Int

from vae_jax.data.dataset import Dataset
from vae_jax.data.examples import in_memory
from vae_jax.data.order import shuffled
from vae_jax.keys import key_of


def few_labels(dataset: Dataset, num_labels: int, seed: int | Int[Array, ""]) -> dict[str, Array]:
    """Training examples whose labels are told, equally many of each class, drawn without replacement.

    Args:
        dataset: Data with labels 0, …, K − 1.
        num_labels: Number of examples, a multiple of K.
        seed: Seed of the draw; it may be traced, so that lanes of a sweep have draws of their own.

    Returns:
        `x`, (num_labels, *stored), and `label`, (num_labels, K), one-hot; class after class.

    Raises:
        ValueError: If the data have no labels, `num_labels` is not a positive multiple of K, or a class has too few
            examples.

    Source: Kingma, Rezende, Mohamed & Welling 2014, arXiv:1406.5298, section 4.1 (all classes have as many labels).

    Example:
        >>> from vae_jax.data import digits
        >>> {name: part.shape for name, part in few_labels(digits(), 20, seed=0).items()}
        {'label': (20, 10), 'x': (20, 8, 8)}
    """
    num_classes = dataset.num_classes
    if num_labels < 1 or num_labels % num_classes:
        raise ValueError(
            f"expected as many labels of each of the {num_classes} classes of {dataset.name}; got num_labels "
            f"{num_labels}; use {max(1, round(num_labels / num_classes)) * num_classes}"
        )
    labels: Any = np.asarray(dataset.train.labels[: len(dataset.train.examples)])  # pyright: ignore[reportOptionalSubscript]
    of_each = num_labels // num_classes
    with jax.ensure_compile_time_eval():  # so that a seed that is known chooses rows here, not in a compiled program
        key = jax.random.fold_in(key_of(seed), num_labels)
        words = jax.random.key_data(key)
    words = words if isinstance(words, Tracer) else np.asarray(words)
    rows = []
    for number in range(num_classes):
        members = np.flatnonzero(labels == number)
        if len(members) < of_each:
            raise ValueError(
                f"expected {of_each} training examples of class {number} in {dataset.name}; got {len(members)}; "
                "use fewer labels"
            )
        places = shuffled(words, number, np.arange(of_each), len(members))
        rows.append(members[places] if isinstance(places, np.ndarray) else jnp.asarray(members)[places])
    hot = jax.nn.one_hot(jnp.repeat(jnp.arange(num_classes), of_each), num_classes)
    if isinstance(words, np.ndarray):
        return {"label": hot, "x": jnp.asarray(dataset.train.examples[np.concatenate(rows)])}
    return {"label": hot, "x": jnp.asarray(in_memory(dataset.train.examples))[jnp.concatenate(rows)]}
