"""Batches of data that live on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Scalar

from vae_jax.types import Key


class Feed(NamedTuple):
    """Where a run's batches come from: what to gather, in which order, and what to do to each example.

    The order of an epoch is a function of (key, epoch) and the transform's noise one of (key, step), so the place in
    the data is two integers, and neither depends on how the work is cut or spread.
    """

    examples: Array
    """(num, *example_shape), as stored, on the device."""
    transform: Callable[[Key, Array], Array]
    """(key, stored example) -> what the model sees."""
    batch_size: int
    key: Key

    @property
    def num_steps_per_epoch(self) -> int:
        """Whole batches in an epoch; the examples left over, other ones each epoch, are not seen in it."""
        return len(self.examples) // self.batch_size


def make_feed(examples: np.ndarray, transform: Callable[[Key, Array], Array], batch_size: int, key: Key) -> Feed:
    """Put the examples on the device.

    Raises:
        ValueError: If the batch size is not between 1 and the number of examples.
    """
    if not 1 <= batch_size <= len(examples):
        raise ValueError(f"expected a batch size between 1 and the {len(examples)} training examples; got {batch_size}")
    return Feed(jnp.asarray(examples), transform, batch_size, key)


def epoch_order(key: Key, epoch: int | Scalar, num_examples: int) -> Int[Array, " num_examples"]:
    """The permutation of the examples for an epoch."""
    return jax.random.permutation(jax.random.fold_in(jax.random.fold_in(key, 0), epoch), num_examples)


def batch_at(feed: Feed, order: Int[Array, " num_examples"], step: Scalar | int) -> Array:
    """The batch of a training step, gathered and transformed, given the order of the epoch it is in.

    Args:
        feed: The data.
        order: `epoch_order(feed.key, step // feed.num_steps_per_epoch, len(feed.examples))`.
        step: The training step, which may be traced.

    Returns:
        (batch_size, *example_shape).
    """
    start = (step % feed.num_steps_per_epoch) * feed.batch_size
    rows = jax.lax.dynamic_slice_in_dim(order, start, feed.batch_size)
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(feed.key, 1), step), feed.batch_size)
    # An order holds no row that is not there; "clip" spares the gather the mask that indexing makes for such rows.
    return jax.vmap(feed.transform)(keys, jnp.take(feed.examples, rows, axis=0, mode="clip"))
