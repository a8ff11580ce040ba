"""Many training steps in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from vae_jax.training.feed import Feed, batch_at, epoch_order
from vae_jax.training.trainer import Trainer, TrainState
from vae_jax.types import Key, Metrics


class Progress(NamedTuple):
    """A state and the metrics that have not been written yet: what a checkpoint holds."""

    state: TrainState
    sums: Metrics
    """Each metric, summed over the good steps since the last line of metrics."""
    num_summed: Int[Array, ""]


def start(trainer: Trainer, feed: Feed, key: Key) -> Progress:
    """The progress of a run that has done nothing yet."""
    _, metrics = jax.eval_shape(lambda: trainer.step(trainer.init(key), _first_batch(feed)))
    sums = jax.tree.map(lambda metric: jnp.zeros(metric.shape, metric.dtype), metrics)
    return Progress(jax.jit(trainer.init)(key), sums, jnp.zeros((), jnp.int32))


def advance(trainer: Trainer, feed: Feed) -> Callable[[Progress, Array, int], Progress]:
    """Compile `(progress, order of the epoch, number of steps) -> progress`; the progress that goes in is donated.

    All steps run in one compiled call, with no return to Python between them. The exception is convolutions on a
    CPU, which XLA makes several times slower inside a loop (jax issue 12868): there, Python loops over the compiled
    step. Both ways give the same bits.
    """

    def step_and_sum(progress: Progress, feed: Feed, order: Array) -> Progress:
        state, metrics = trainer.step(progress.state, batch_at(feed, order, progress.state.step))
        is_good = state.num_skipped_in_a_row == 0
        sums = jax.tree.map(lambda total, metric: total + jnp.where(is_good, metric, 0), progress.sums, metrics)
        return Progress(state, sums, progress.num_summed + is_good)

    # The examples are an argument of the compiled call: closed over, they would be a constant inside the program.
    def with_examples(examples: Array) -> Feed:
        return feed._replace(examples=examples)

    @jax.jit(donate_argnums=0)
    def one(progress: Progress, examples: Array, order: Array) -> Progress:
        return step_and_sum(progress, with_examples(examples), order)

    @jax.jit(donate_argnums=0)
    def many(progress: Progress, examples: Array, order: Array, num_steps: Array | int) -> Progress:
        inside = with_examples(examples)
        return jax.lax.fori_loop(0, num_steps, lambda _, progress: step_and_sum(progress, inside, order), progress)

    def one_after_another(progress: Progress, order: Array, num_steps: int) -> Progress:
        for _ in range(num_steps):
            progress = one(progress, feed.examples, order)
        return progress

    def in_one_call(progress: Progress, order: Array, num_steps: int) -> Progress:
        return many(progress, feed.examples, order, num_steps)

    return one_after_another if loops_in_python(trainer, feed) else in_one_call


def loops_in_python(trainer: Trainer, feed: Feed) -> bool:
    """Whether a Python loop over the compiled step is the faster way: for convolutions on a CPU."""
    program = jax.make_jaxpr(lambda key: trainer.step(trainer.init(key), _first_batch(feed)))(feed.key)
    return jax.default_backend() == "cpu" and "conv_general_dilated" in str(program)


def _first_batch(feed: Feed) -> Array:
    return batch_at(feed, epoch_order(feed.key, 0, len(feed.examples)), 0)
