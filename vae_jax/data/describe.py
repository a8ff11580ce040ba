"""What a data set holds, in numbers: read once, a chunk at a time, so that it may be larger than the memory."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import ArrayLike, chunks

# As many numbers are held in 64 bits at a time.
_CHUNK = 2**22


class Numbers(NamedTuple):
    """Of the values at each place of an example, arrays of its shape; or of all values, arrays of shape ()."""

    low: np.ndarray
    """The smallest, as stored."""
    high: np.ndarray
    """The largest, as stored."""
    mean: np.ndarray
    """As stored."""
    standard_deviation: np.ndarray
    """As stored; of these values themselves, so divided by their number and not by one less."""


def numbers_at_each_place(examples: ArrayLike) -> Numbers:
    """Of each entry of the examples, over all of them: (*example_shape,) each.

    Means and sums of squares are joined chunk by chunk, which cancels nothing.

    Source: Chan, Golub & LeVeque 1983, "Algorithms for computing the sample variance", equation 2.1.
    """
    shape = examples.shape[1:]
    num, mean, squares = 0, np.zeros(shape), np.zeros(shape)
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    for stored in chunks(examples, max(1, _CHUNK // math.prod(shape))):
        chunk = stored.astype(np.float64)
        chunk_mean = chunk.mean(axis=0)
        difference = chunk_mean - mean
        total = num + len(chunk)
        squares += ((chunk - chunk_mean) ** 2).sum(axis=0) + difference**2 * (num * len(chunk) / total)
        mean += difference * (len(chunk) / total)
        num = total
        low, high = np.minimum(low, chunk.min(axis=0)), np.maximum(high, chunk.max(axis=0))
    return Numbers(low, high, mean, np.sqrt(squares / num))


def overall(numbers: Numbers) -> Numbers:
    """Of all entries together, from those of each: the variance is the mean of variances and the variance of means."""
    variance = np.mean(np.square(numbers.standard_deviation)) + np.var(numbers.mean)
    values = (np.min(numbers.low), np.max(numbers.high), np.mean(numbers.mean), np.sqrt(variance))
    return Numbers(*map(np.asarray, values))


def class_counts(dataset: Dataset) -> dict[int, dict[str, int]]:
    """Label -> split name -> how many examples have it; nothing where there are no labels, or factors instead."""
    counts = {name: _label_counts(split) for name, split in dataset.splits.items()}
    labels = sorted(set().union(*counts.values()))
    return {label: {name: count[label] for name, count in counts.items()} for label in labels}


def _label_counts(split: Split) -> Counter[int]:
    counts: Counter[int] = Counter()
    if split.labels is not None and len(split.labels.shape) == 1:
        for chunk in chunks(split.labels):
            counts.update(chunk.tolist())
    return counts
