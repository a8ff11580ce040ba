"""Stored examples chosen to be shown, as the model sees them, and conditions under which samples are drawn."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from vae_jax import latent_classes
from vae_jax.data import Dataset, Split, Transform
from vae_jax.data.examples import Examples
from vae_jax.data.sheet import num_columns
from vae_jax.data.spread import spread
from vae_jax.evaluation import example_keys
from vae_jax.experiment import Experiment
from vae_jax.messages import UsageError, did_you_mean
from vae_jax.report import one_of_each
from vae_jax.vae import VAE, Conditional, condition_and_x

NUM_LOOKED_AT = 10_000
"""Number of training examples that are searched for those of a class."""


def conditions_of(
    experiment: Experiment, vae: VAE | Conditional, num: int, label: str | None = None
) -> tuple[Any, int]:
    """`num` conditions to sample under, from training examples, and the number of them in a row of a picture.

    Args:
        experiment: The experiment whose examples are searched.
        vae: The model, parameters bound.
        num: Number of conditions.
        label: The class to take the examples from, by its number or name; None for a row of each class, or of each of
            the first examples where there are no classes.

    Returns:
        The conditions along the first axis, None for a VAE without conditions; and the columns of a picture.

    Raises:
        UsageError: If a label is given and the model has no conditions, the data no labels, or no label of that name.
    """
    if not isinstance(vae, Conditional):
        if label is not None:
            raise UsageError("expected a conditional model for --label; this one has no conditions; leave it out")
        return None, num_columns(num)
    dataset = experiment.dataset
    split = dataset.train
    rows = spread(len(split.examples), NUM_LOOKED_AT)
    classes = classes_of(split, rows)
    if label is None:
        firsts = rows[one_of_each(classes, len(rows))]
        columns = -(-num // len(firsts))
        chosen = np.repeat(firsts, columns)[:num]
    else:
        members = rows[classes == _class(dataset, classes, label)]
        columns, chosen = num_columns(num), members[np.arange(num) % len(members)]
    conditions, _ = condition_and_x(vae, as_seen(experiment.transform, split.examples, chosen))
    return conditions, columns


def in_class(vae: VAE | Conditional, label: str | None) -> tuple[VAE | Conditional, str | None]:
    """The model to sample from for a label, and the label that is left for its conditions.

    Of a model with latent classes it is the class of that number, and no label is left.

    Raises:
        UsageError: If there are latent classes and none of that number.
    """
    num = latent_classes.num_classes(vae)
    if label is None or num is None:
        return vae, label
    if not (label.isdecimal() and int(label) < num):
        raise UsageError(f"expected the number of a latent class, 0 to {num - 1}, for --label; got '{label}'")
    return latent_classes.of_class(vae, int(label)), None  # pyright: ignore[reportArgumentType]


def _class(dataset: Dataset, classes: np.ndarray | None, label: str) -> int:
    if classes is None:
        raise UsageError(
            f"expected labels in {dataset.name} to find those of --label {label}; it has none; leave it out"
        )
    there = np.unique(classes).tolist()
    names = {str(number): number for number in there}
    names |= {name: number for number, name in enumerate(dataset.label_names) if number in there}
    if label not in names:
        raise UsageError(
            f"expected a label of {dataset.name} ({', '.join(names)}); got '{label}'{did_you_mean(label, names)}"
        )
    return names[label]


def classes_of(split: Split, rows: np.ndarray) -> np.ndarray | None:
    """The labels of some rows, None without labels; where several factors made an example, the first factor."""
    if split.labels is None:
        return None
    labels = np.asarray(split.labels[rows])
    return labels if labels.ndim == 1 else labels[:, 0]


def named_classes(dataset: Dataset, classes: np.ndarray | None) -> np.ndarray | None:
    """Labels by their names, where each has one."""
    names = np.array(dataset.label_names)
    if classes is None or not len(names) or classes.min() < 0 or classes.max() >= len(names):
        return classes
    return names[classes]


def as_seen(transform: Transform, examples: Examples, rows: np.ndarray, seed: int = 0) -> Any:
    """Stored examples as the model sees them, by the same draw as in the evaluation of that seed."""

    def of_one(example: Any, index: Array) -> Array:
        transform_key, _ = example_keys(seed, index)
        return transform.apply(transform_key, example)

    return jax.jit(jax.vmap(of_one))(examples[rows], rows)
