"""Many training steps in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vae_jax.data.feed import Feed, like_a_stored_batch, seen_batch, stored_batch
from vae_jax.keys import typed
from vae_jax.parallel.placement import Placement, on_one_device
from vae_jax.training.state import TrainState
from vae_jax.training.trainer import Trainer
from vae_jax.types import Key, Metrics


class Progress(NamedTuple):
    """A state and the metrics that have not been written yet: what a checkpoint holds."""

    state: TrainState
    sums: Metrics
    """Each metric, summed over the good steps since the last line of metrics."""
    num_summed: Int[Array, ""]


def start(trainer: Trainer, feed: Feed, key: Key, placement: Placement | None = None) -> Progress:
    """The progress of a run that has done nothing yet, placed; on one device by default."""
    shardings = jax.tree.map(lambda leaf: leaf.sharding, abstract_start(trainer, feed, key, placement))
    key = typed(key)
    words = np.asarray(jax.random.key_data(key))  # of a mesh with other hosts' devices, not every array is a part
    kind = jax.random.key_impl(key)
    return jax.jit(
        lambda words: first_progress(trainer, feed, jax.random.wrap_key_data(words, impl=kind)), out_shardings=shardings
    )(words)


def abstract_start(trainer: Trainer, feed: Feed, key: Key, placement: Placement | None = None) -> Progress:
    """Shapes, types and shardings of a run's progress, without computing anything."""
    shapes = jax.eval_shape(lambda: first_progress(trainer, feed, key))
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
        shapes,
        (placement or on_one_device()).of_state(shapes),
    )


def advance(
    trainer: Trainer, feed: Feed, placement: Placement | None = None
) -> Callable[[Progress, Iterator[Any], int], Progress]:
    """Compile `(progress, batches, number of steps) -> progress`; the progress that goes in is donated.

    The batches are those of `open_stream`, which only a streamed feed has. The work is spread over the devices of the
    placement, one by default: each has a share of every batch, and the result is the same.

    All steps run in one compiled call, with no return to Python between them. There are two exceptions, in which
    Python loops over the compiled step: batches that are streamed, and convolutions on a CPU, which XLA makes several
    times slower inside a loop (jax issue 12868). All ways take the same steps; each is a program of its own, which XLA
    rounds in its own way, so the last digits may differ.
    """
    placement = placement or on_one_device()
    shardings = placement.of_state(jax.eval_shape(lambda: first_progress(trainer, feed, feed.key)))
    compiled = partial(jax.jit, donate_argnums=0, out_shardings=shardings)
    gather_and_step = partial(next_progress, trainer, feed, placement)

    # The examples are an argument of the compiled call: closed over, they would be a constant inside the program.
    @compiled
    def many(progress: Progress, examples: Any, num_steps: Array | int) -> Progress:
        return jax.lax.fori_loop(0, num_steps, lambda _, progress: gather_and_step(progress, examples), progress)

    one, one_of_stream = compiled(gather_and_step), compiled(partial(_step_and_sum, trainer, feed, placement))
    examples = placed_examples(feed, placement)

    def in_one_call(progress: Progress, batches: Iterator[Any], num_steps: int) -> Progress:
        return many(progress, examples, num_steps)

    def one_after_another(progress: Progress, batches: Iterator[Any], num_steps: int) -> Progress:
        for _ in range(num_steps):
            progress = one(progress, examples)
        return progress

    def from_stream(progress: Progress, batches: Iterator[Any], num_steps: int) -> Progress:
        for batch in islice(batches, num_steps):
            progress = one_of_stream(progress, batch)
        return progress

    if feed.is_streamed:
        return from_stream
    return one_after_another if loops_in_python(trainer, feed) else in_one_call


def next_progress(trainer: Trainer, feed: Feed, placement: Placement, progress: Progress, examples: Any) -> Progress:
    """One training step, from the batch to the sums of its metrics: pure, and repeated by everything in this module.

    Args:
        trainer: The trainer of the step.
        feed: The choice of the examples in its batch.
        placement: The devices that the batch is spread over.
        progress: The progress before the step.
        examples: The examples of the feed, whose arrays may be traced.
    """
    gathered_from = feed._replace(examples=examples)
    return _step_and_sum(trainer, feed, placement, progress, stored_batch(gathered_from, progress.state.step))


def placed_examples(feed: Feed, placement: Placement) -> Any:
    """The examples of a feed on every device of the mesh, but for those that are computed there; None for a stream."""
    return None if feed.is_streamed else placement.put(feed.examples)


def first_progress(trainer: Trainer, feed: Feed, key: Key) -> Progress:
    """The progress of a run that has done nothing yet; pure."""
    _, metrics = jax.eval_shape(lambda: _first_step(trainer, feed, key))
    sums = jax.tree.map(lambda metric: jnp.zeros(metric.shape, metric.dtype), metrics)
    return Progress(trainer.init(key), sums, jnp.zeros((), jnp.int32))


def loops_in_python(trainer: Trainer, feed: Feed) -> bool:
    """Whether a Python loop over the compiled step is the faster way, as it is for convolutions on a CPU."""
    program = jax.make_jaxpr(lambda key: _first_step(trainer, feed, key))(feed.key)
    return jax.default_backend() == "cpu" and "conv_general_dilated" in str(program)


def _step_and_sum(trainer: Trainer, feed: Feed, placement: Placement, progress: Progress, stored: Any) -> Progress:
    stored = jax.lax.with_sharding_constraint(stored, placement.in_shares)
    batch = seen_batch(feed, stored, progress.state.step)
    state, metrics = trainer.step(progress.state, jax.lax.with_sharding_constraint(batch, placement.in_shares))
    is_good = state.num_skipped_in_a_row == 0
    sums = jax.tree.map(lambda total, metric: total + jnp.where(is_good, metric, 0), progress.sums, metrics)
    return Progress(state, sums, progress.num_summed + is_good)


def _first_step(trainer: Trainer, feed: Feed, key: Key) -> tuple[TrainState, Metrics]:
    return trainer.step(trainer.init(key), seen_batch(feed, like_a_stored_batch(feed), 0))
