"""Feeding: how fast batches come, whether a step waits for them, and how much memory a stream takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from benchmarks import ours
from benchmarks.images import images
from benchmarks.measure import Side, comparison, seconds_by_turns
from benchmarks.settings import BATCH_SIZE, Settings
from benchmarks.subprocesses import run_worker
from benchmarks.tables import Table

import vae_jax as vj
from vae_jax.data.feed import Feed, rows_of_step, seen_batch, stored_batch
from vae_jax.data.stream import open_stream, read_batches
from vae_jax.training.advance import Progress, advance, start

NUM_STREAMED = 100
"""Batches in a turn of the stream's sides: workers are slow where the examples are in memory anyway."""


def tables(settings: Settings) -> Iterator[Table]:
    """Batches alone; training fed in three ways; and the memory of a process that streams a large file."""
    train = images(settings.data).train
    yield _batches_alone(train, settings)
    yield _training(train, settings)
    yield _memory(settings)
    if (settings.data / "tfds" / "mnist").is_dir():
        yield _decoding(settings)


def _batches_alone(train: np.ndarray, settings: Settings) -> Table:
    feed = ours.feed_of(train, vj.data.scale(255))
    num_steps = feed.num_steps_per_epoch
    with ExitStack() as stack:
        sides = [
            Side("gather in the compiled step", _gather_on_device(feed, num_steps), num_steps * BATCH_SIZE),
            Side("numpy gather, rows at hand", _gather_by_numpy(train, num_steps), num_steps * BATCH_SIZE),
            _stream_side("stream, threads", feed, train, 0, stack),
            _stream_side("stream, 2 worker processes", feed, train, 2, stack),
        ]
        seconds = seconds_by_turns(sides, settings.num_rounds)
    title = f"feed: batches of {BATCH_SIZE} of {len(train):,} images of 28x28 bytes, alone"
    notes = ("The gather's order is computed in the step, place by place; numpy's rows were made before.",)
    return Table(title, comparison(seconds, "gather in the compiled step"), notes)


def _training(train: np.ndarray, settings: Settings) -> Table:
    """The step that gathers its batch beside the same step on one batch that is there already."""
    trainer, feed = ours.adam_trainer(ours.mlp_model()), ours.feed_of(train, vj.data.scale(255))
    num = feed.num_steps_per_epoch * BATCH_SIZE
    one_batch = jnp.asarray(train[:BATCH_SIZE])
    streamed = feed._replace(examples=train, is_streamed=True)
    with ExitStack() as stack:
        batches = stack.enter_context(open_stream(streamed, 0))
        sides = [
            Side("in memory", ours.epochs(trainer, feed), num),
            Side("one batch, always the same", _on_one_batch(trainer, feed, one_batch), num),
            Side("streamed by threads", _from_stream(trainer, streamed, batches), num),
        ]
        seconds = seconds_by_turns(sides, settings.num_rounds)
    return Table(f"feed: training the 784-400-20 MLP, batch {BATCH_SIZE}", comparison(seconds, "in memory"))


def _memory(settings: Settings) -> Table:
    result = run_worker("memory_of_a_stream", "2" if settings.quick else "10")
    notes = (
        f"A sparse file of {result['gibibytes']:.0f} GiB, {result['times_budget']:.0f} times what memory may hold, "
        "is streamed and trained on. Anonymous memory: pages of the file itself are the system's to drop.",
    )
    return Table("feed: anonymous memory of a process that streams", result["rows"], notes)


def _decoding(settings: Settings) -> Table:
    rows: list[dict[str, Any]] = []
    for num_workers in (0, 2):
        result = run_worker("decoding", str(settings.data / "tfds"), str(num_workers))
        rows.append({"MNIST's PNGs decoded by": f"{num_workers} processes" if num_workers else "threads"} | result)
    return Table("feed: streaming what has to be decoded", rows)


def _gather_on_device(feed: Feed, num_steps: int) -> Callable[[], object]:
    @jax.jit
    def gather(examples: jax.Array, epoch: int) -> jax.Array:
        inside = feed._replace(examples=examples)

        def add(step: jax.Array, total: jax.Array) -> jax.Array:
            # One byte of each image, or XLA would leave the gather out.
            return total + stored_batch(inside, epoch * num_steps + step)[:, 14, 14].sum(dtype=jnp.int32)

        return jax.lax.fori_loop(0, num_steps, add, jnp.int32(0))

    return lambda: jax.block_until_ready(gather(feed.examples, 3))


def _gather_by_numpy(train: np.ndarray, num_steps: int) -> Callable[[], object]:
    key = np.zeros(2, np.uint32)
    order = [rows_of_step(key, step, len(train), BATCH_SIZE, np.arange(BATCH_SIZE)) for step in range(num_steps)]
    return lambda: [train[rows] for rows in order]


def _stream_side(name: str, feed: Feed, train: np.ndarray, num_workers: int, stack: ExitStack) -> Side:
    batches = read_batches(feed._replace(examples=train, is_streamed=True, num_workers=num_workers), 0)
    stack.callback(batches.close)
    return Side(name, lambda: list(islice(batches, NUM_STREAMED)), NUM_STREAMED * BATCH_SIZE)


def _on_one_batch(trainer: vj.Trainer, feed: Feed, batch: jax.Array) -> Callable[[], None]:
    @jax.jit(donate_argnums=0)
    def many(progress: Progress, batch: jax.Array) -> Progress:
        def one(index: int, progress: Progress) -> Progress:
            state, metrics = trainer.step(progress.state, seen_batch(feed, batch, progress.state.step))
            return progress._replace(state=state, sums=jax.tree.map(jnp.add, progress.sums, metrics))

        return jax.lax.fori_loop(0, feed.num_steps_per_epoch, one, progress)

    progress = start(trainer, feed, jax.random.key(0))

    def another_epoch() -> None:
        nonlocal progress
        progress = jax.block_until_ready(many(progress, batch))

    return another_epoch


def _from_stream(trainer: vj.Trainer, feed: Feed, batches: Iterator[jax.Array]) -> Callable[[], None]:
    progress, run_steps = start(trainer, feed, jax.random.key(0)), advance(trainer, feed)

    def another_epoch() -> None:
        nonlocal progress
        progress = jax.block_until_ready(run_steps(progress, batches, feed.num_steps_per_epoch))

    return another_epoch
