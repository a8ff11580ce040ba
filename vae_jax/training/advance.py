"""Many training steps in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from vae_jax.data.feed import Feed, like_a_stored_batch, seen_batch, stored_batch
from vae_jax.training.state import TrainState
from vae_jax.training.trainer import Trainer
from vae_jax.types import Key, Metrics


class Progress(NamedTuple):
    """A state and the metrics that have not been written yet: what a checkpoint holds."""

    state: TrainState
    sums: Metrics
    """Each metric, summed over the good steps since the last line of metrics."""
    num_summed: Int[Array, ""]


def start(trainer: Trainer, feed: Feed, key: Key) -> Progress:
    """The progress of a run that has done nothing yet."""
    _, metrics = jax.eval_shape(lambda: _step(trainer, feed, trainer.init(key), like_a_stored_batch(feed)))
    sums = jax.tree.map(lambda metric: jnp.zeros(metric.shape, metric.dtype), metrics)
    return Progress(jax.jit(trainer.init)(key), sums, jnp.zeros((), jnp.int32))


def advance(trainer: Trainer, feed: Feed) -> Callable[[Progress, Iterator[Array], int], Progress]:
    """Compile `(progress, batches, number of steps) -> progress`; the progress that goes in is donated.

    The batches are those of `open_stream`, which only a streamed feed has.

    All steps run in one compiled call, with no return to Python between them. There are two exceptions, in which
    Python loops over the compiled step: batches that are streamed, and convolutions on a CPU, which XLA makes several
    times slower inside a loop (jax issue 12868). All ways give the same bits.
    """

    def step_and_sum(progress: Progress, stored: Array) -> Progress:
        state, metrics = _step(trainer, feed, progress.state, stored)
        is_good = state.num_skipped_in_a_row == 0
        sums = jax.tree.map(lambda total, metric: total + jnp.where(is_good, metric, 0), progress.sums, metrics)
        return Progress(state, sums, progress.num_summed + is_good)

    def gather_and_step(progress: Progress, examples: Array) -> Progress:
        return step_and_sum(progress, stored_batch(feed._replace(examples=examples), progress.state.step))

    # The examples are an argument of the compiled call: closed over, they would be a constant inside the program.
    @jax.jit(donate_argnums=0)
    def many(progress: Progress, examples: Array, num_steps: Array | int) -> Progress:
        return jax.lax.fori_loop(0, num_steps, lambda _, progress: gather_and_step(progress, examples), progress)

    one = jax.jit(gather_and_step, donate_argnums=0)
    one_of_stream = jax.jit(step_and_sum, donate_argnums=0)

    def in_one_call(progress: Progress, batches: Iterator[Array], num_steps: int) -> Progress:
        return many(progress, feed.examples, num_steps)

    def one_after_another(progress: Progress, batches: Iterator[Array], num_steps: int) -> Progress:
        for _ in range(num_steps):
            progress = one(progress, feed.examples)
        return progress

    def from_stream(progress: Progress, batches: Iterator[Array], num_steps: int) -> Progress:
        for batch in islice(batches, num_steps):
            progress = one_of_stream(progress, batch)
        return progress

    if feed.is_streamed:
        return from_stream
    return one_after_another if loops_in_python(trainer, feed) else in_one_call


def loops_in_python(trainer: Trainer, feed: Feed) -> bool:
    """Whether a Python loop over the compiled step is the faster way: for convolutions on a CPU."""
    program = jax.make_jaxpr(lambda key: _step(trainer, feed, trainer.init(key), like_a_stored_batch(feed)))(feed.key)
    return jax.default_backend() == "cpu" and "conv_general_dilated" in str(program)


def _step(trainer: Trainer, feed: Feed, state: TrainState, stored: Array) -> tuple[TrainState, Metrics]:
    return trainer.step(state, seen_batch(feed, stored, state.step))
