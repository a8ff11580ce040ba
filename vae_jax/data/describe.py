"""Statistics of a data set, which is read once, a chunk at a time, so that it may be larger than the memory."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import ArrayLike, chunks

# The number of values that are held in 64 bits at a time.
_CHUNK = 2**22


class Numbers(NamedTuple):
    """Statistics of the values at each place of an example, in its shape; or of all values, arrays of shape ()."""

    low: np.ndarray
    """The smallest value, as stored."""
    high: np.ndarray
    """The largest value, as stored."""
    mean: np.ndarray
    """The mean, in units of the stored values."""
    standard_deviation: np.ndarray
    """The standard deviation, in units of the stored values; squares are divided by their number, not by one less."""


def numbers_at_each_place(examples: ArrayLike) -> Numbers:
    """The statistics of each entry over all examples, arrays of shape (*example_shape,).

    Means and sums of squares are joined chunk by chunk, which avoids cancellation.

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
    """The statistics of all entries together, from the statistics of each entry.

    The variance is the mean of the variances plus the variance of the means.
    """
    variance = np.mean(np.square(numbers.standard_deviation)) + np.var(numbers.mean)
    values = (np.min(numbers.low), np.max(numbers.high), np.mean(numbers.mean), np.sqrt(variance))
    return Numbers(*map(np.asarray, values))


def class_counts(dataset: Dataset) -> dict[int, dict[str, int]]:
    """Label -> split name -> number of examples; empty where there are no labels, or factors instead."""
    counts = {name: _label_counts(split) for name, split in dataset.splits.items()}
    labels = sorted(set().union(*counts.values()))
    return {label: {name: count[label] for name, count in counts.items()} for label in labels}


def _label_counts(split: Split) -> Counter[int]:
    counts: Counter[int] = Counter()
    if split.labels is not None and len(split.labels.shape) == 1:
        for chunk in chunks(split.labels):
            counts.update(chunk.tolist())
    return counts
