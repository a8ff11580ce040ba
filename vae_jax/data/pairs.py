"""Pairs of examples of the same class, from several data sets: modalities of one thing."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Part, examples_of, in_memory, is_together
from vae_jax.data.order import shuffled
from vae_jax.data.values import UnknownMaximum
from vae_jax.keys import key_of


def paired(parts: Mapping[str, Dataset], seed: int) -> Dataset:
    """Examples with a part from each data set, all of the same class; which go together is drawn once, by the seed.

    There is a pair for each example of the first set whose class the others have. An example of another set is used
    again where it has fewer of the class, in another order.

    Args:
        parts: name -> a data set with labels 0, …, K − 1 and the same splits.
        seed: Seed of the draw.

    Returns:
        Data whose examples are dicts by these names, in the order of the first set, with its labels. Where the sets
        differ in their largest values, all are scaled to [0, 1] as float32.

    Raises:
        ValueError: If there are fewer than two sets, one has no labels, examples of several parts, an unknown largest
            value or other splits, or no class is in all of them.

    Source: Shi, Siddharth, Paige & Torr 2019, arXiv:1911.03393 (MNIST and SVHN, by class).

    Example:
        >>> from vae_jax.data import digits, mnist_5k
        >>> paired({"large": mnist_5k(), "small": digits()}, seed=0).example_shape
        {'large': (28, 28), 'small': (8, 8)}
    """
    if len(parts) < 2:
        raise ValueError(f"expected two data sets or more to pair; got {', '.join(parts) or 'none'}")
    first_name, first = next(iter(parts.items()))
    for name, dataset in parts.items():
        _check(name, dataset, first_name, first)
    maxima = {dataset.max_value for dataset in parts.values()}
    splits = {}
    for number, split in enumerate(first.splits):
        labels: dict[str, Any] = {name: _labels(dataset.split(split)) for name, dataset in parts.items()}
        rows = _rows(labels, np.asarray(jax.random.key_data(jax.random.fold_in(key_of(seed), number))), split)
        examples = {
            name: Part(dataset.split(split).examples, rows[name])
            if len(maxima) == 1
            else dataset.scaled(split)[rows[name]]
            for name, dataset in parts.items()
        }
        if not any(dataset.is_streamed for dataset in parts.values()):
            examples = {name: in_memory(part) for name, part in examples.items()}
        splits[split] = Split(examples_of(examples), labels[first_name][rows[first_name]])
    return Dataset(
        " and ".join(dataset.name for dataset in parts.values()),
        f"Pairs of the same class, drawn with seed {seed}: "
        + "; ".join(f"{name}: {dataset.description}" for name, dataset in parts.items()),
        splits,
        maxima.pop() if len(maxima) == 1 else 1.0,
        label_names=first.label_names,
        is_streamed=any(dataset.is_streamed for dataset in parts.values()),
        num_workers=first.num_workers,
        drawn=first.drawn,
    )


def _rows(labels: Mapping[str, np.ndarray], words: np.ndarray, split: str) -> dict[str, np.ndarray]:
    """The rows of each set that make the pairs, in the order of the first set's."""
    first_name, *others = labels
    kept = [label for label in np.unique(labels[first_name]) if all((each == label).any() for each in labels.values())]
    if not kept:
        raise ValueError(f"expected a class that all data sets have in split '{split}'; got none")
    first = np.flatnonzero(np.isin(labels[first_name], kept))
    rows = {first_name: first} | {name: np.empty_like(first) for name in others}
    for label in kept:
        places = np.flatnonzero(labels[first_name][first] == label)
        for name in others:
            members = np.flatnonzero(labels[name] == label)
            orders = [
                _order(words, name, int(label), turn, len(members)) for turn in range(-(-len(places) // len(members)))
            ]
            rows[name][places] = members[np.concatenate(orders)[: len(places)]]
    return rows


def _order(words: np.ndarray, name: str, label: int, turn: int, num: int) -> np.ndarray:
    """A random order of 0, ..., num − 1, another one for each set, class and turn."""
    epoch = zlib.crc32(f"{name} {label} {turn}".encode()) % 2**31
    return shuffled(words, epoch, np.arange(num), num)


def _check(name: str, dataset: Dataset, first_name: str, first: Dataset) -> None:
    if set(dataset.splits) != set(first.splits):
        raise ValueError(
            f"expected the splits of '{first_name}' ({', '.join(first.splits)}) in '{name}'; "
            f"got {', '.join(dataset.splits)}"
        )
    if any(is_together(split.examples) for split in dataset.splits.values()):
        raise ValueError(f"expected examples of one part in '{name}'; got several; take one by Dataset.part")
    if isinstance(dataset.max_value, UnknownMaximum):
        raise ValueError(f"expected a known largest value in '{name}'; got measurements; name it by max_value")
    for split in dataset.splits.values():
        if split.labels is None or len(split.labels.shape) > 1:
            got = "none" if split.labels is None else "factors"
            raise ValueError(f"expected labels of classes in '{name}', by which to pair; got {got}")


def _labels(split: Split) -> np.ndarray:
    assert split.labels is not None
    return np.asarray(split.labels[: len(split.examples)])
