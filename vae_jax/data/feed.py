"""Batches: which examples a training step sees, in which order, and with which noise."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Scalar, UInt32

from vae_jax.data.examples import Examples, abstract_example, is_computed, of_parts, with_parts
from vae_jax.data.order import shuffled
from vae_jax.types import Key


class Feed(NamedTuple):
    """The source of a run's batches.

    The order of an epoch is a function of (key, epoch) and the transform's noise one of (key, step), so the place in
    the data is one integer, and nothing depends on how the work is cut, spread, or fed.
    """

    examples: Any
    """(num, *example_shape), as stored: arrays, or `Examples` that the device computes or that are streamed."""
    transform: Callable[[Key, Any], Any]
    """(key, stored example) -> what the model sees."""
    batch_size: int
    key: Key
    is_streamed: bool = False
    """Whether batches are read on the host rather than gathered inside the compiled step."""
    num_workers: int = 0
    """Number of processes that read a stream; 0 means threads."""

    @property
    def num_steps_per_epoch(self) -> int:
        """Number of whole batches in an epoch; the examples left over, different ones each epoch, are not seen."""
        return len(self.examples) // self.batch_size

    @property
    def order_key(self) -> UInt32[Array, "2"]:
        """The key of the order, as 32-bit words."""
        return jax.random.key_data(jax.random.fold_in(self.key, 0))


def make_feed(
    examples: Examples,
    transform: Callable[[Key, Any], Any],
    batch_size: int,
    key: Key,
    *,
    is_streamed: bool = False,
    num_workers: int = 0,
) -> Feed:
    """Make a feed, with its examples as arrays unless they are streamed or computed on the device.

    Raises:
        ValueError: If the batch size is not between 1 and the number of examples.
    """
    check_batch_size(batch_size, len(examples))
    kept = (
        examples if is_streamed else with_parts(lambda part: part if is_computed(part) else np.asarray(part), examples)
    )
    return Feed(kept, transform, batch_size, key, is_streamed, num_workers)


def check_batch_size(batch_size: int, num_examples: int) -> None:
    """Check that an epoch has at least one whole batch.

    Raises:
        ValueError: If the batch size is not between 1 and the number of examples.
    """
    if not isinstance(batch_size, Integral) or not 1 <= batch_size <= num_examples:
        raise ValueError(f"expected a batch size between 1 and the {num_examples} training examples; got {batch_size}")


def rows_of_step(
    order_key: Any, step: Any, num_examples: int, batch_size: int, positions: Any
) -> Int[Any, " positions"]:
    """The row numbers of the examples at some positions of the batch of a step.

    Args:
        order_key: `Feed.order_key`, a numpy or JAX array.
        step: The training step; traced where the key is.
        num_examples: Number of examples in the training split.
        batch_size: Size of the batch of all devices and hosts together.
        positions: Positions in the batch, each between 0 and `batch_size` − 1: all of them, or the share of one host.

    Returns:
        Row numbers, a numpy array for numpy arguments and a JAX array for JAX arguments, with the same values.
    """
    num_steps_per_epoch = num_examples // batch_size
    epoch, batch = step // num_steps_per_epoch, step % num_steps_per_epoch
    return shuffled(order_key, epoch, batch * batch_size + positions, num_examples)


def stored_batch(feed: Feed, step: Scalar | int) -> Any:
    """The batch of a step as stored, gathered on the device: (batch_size, *example_shape). The step may be traced."""
    rows = rows_of_step(
        feed.order_key, jnp.asarray(step), len(feed.examples), feed.batch_size, jnp.arange(feed.batch_size)
    )

    def gathered(part: Any) -> Array:
        # No row is out of range; "clip" spares the gather the mask that indexing makes for such rows.
        return part[rows] if is_computed(part) else jnp.take(part, rows, axis=0, mode="clip")

    return of_parts(gathered, feed.examples)


def seen_batch(feed: Feed, stored: Any, step: Scalar | int) -> Any:
    """A stored batch as the model sees it at a step: every example is transformed, with noise of its own."""
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(feed.key, 1), step), feed.batch_size)
    return jax.vmap(feed.transform)(keys, stored)


def like_a_stored_batch(feed: Feed) -> Any:
    """Zeros in the shape and type of a stored batch, to trace a step with."""
    return jax.tree.map(
        lambda one: jnp.zeros((feed.batch_size, *one.shape), one.dtype), abstract_example(feed.examples)
    )
