"""Batches of examples that do not fit into memory, read ahead by grain."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from vae_jax.data.examples import Examples, of_parts
from vae_jax.data.feed import Feed, rows_of_step

if TYPE_CHECKING:
    import grain

LAST_STEP = 2**31 - 1
NUM_AHEAD = 2
"""Number of batches that are on their way to the device during a step."""


@contextmanager
def open_stream(feed: Feed, first_step: int, put: Callable[[Any], Any] = jax.device_put) -> Iterator[Iterator[Any]]:
    """The stored batches of a streamed feed from a step on, each put on the device ahead of its turn.

    A feed that is not streamed has none. Threads and processes end with the context.

    Args:
        feed: The feed whose examples are streamed.
        first_step: Training step of the first batch.
        put: Places this host's share of a batch on its devices.
    """
    if not feed.is_streamed:
        yield iter(())
        return
    with closing(read_batches(feed, first_step, host=jax.process_index(), num_hosts=jax.process_count())) as batches:
        yield _put_ahead(batches, put)


def read_batches(feed: Feed, first_step: int, *, host: int = 0, num_hosts: int = 1) -> grain.DatasetIterator[Any]:
    """The stored batches of a feed from a step on, read ahead by threads or processes.

    A batch is a function of (key, step), so a run resumes by beginning at a step: there is no state to keep.

    Args:
        feed: The feed whose examples are streamed.
        first_step: Training step of the first batch.
        host: Index of the host whose share is read.
        num_hosts: Number of hosts that share each batch; put together in order, the shares are the whole batch.

    Returns:
        An iterator without end over batches of shape (batch_size / num_hosts, *example_shape); close it.

    Raises:
        ValueError: If the hosts cannot share the batch evenly.
    """
    import grain

    if feed.batch_size % num_hosts:
        raise ValueError(
            f"expected a batch size that {num_hosts} hosts can share evenly; got {feed.batch_size}; "
            f"use {feed.batch_size // num_hosts * num_hosts or num_hosts}"
        )
    share = feed.batch_size // num_hosts
    read = _ReadBatch(
        feed.examples, np.asarray(feed.order_key), feed.batch_size, np.arange(host * share, (host + 1) * share)
    )
    steps = grain.MapDataset.range(first_step, LAST_STEP).map(read)
    num_threads = min(4, os.cpu_count() or 1)
    dataset = steps.to_iter_dataset(grain.ReadOptions(num_threads=num_threads, prefetch_buffer_size=2 * num_threads))
    if feed.num_workers:
        _mark_flags_as_parsed()
        dataset = dataset.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=feed.num_workers, per_worker_buffer_size=2), _leave_ctrl_c_alone
        )
    return iter(dataset)


def _put_ahead(batches: Iterator[Any], put: Callable[[Any], Any]) -> Iterator[Any]:
    ahead: deque[Any] = deque()
    for batch in batches:
        ahead.append(put(batch))
        if len(ahead) > NUM_AHEAD:
            yield ahead.popleft()


class _ReadBatch:
    """A function from step to stored batch, which is all that is sent to a worker process."""

    def __init__(self, examples: Examples, order_key: np.ndarray, batch_size: int, positions: np.ndarray) -> None:
        self.examples = examples
        self.order_key = order_key
        self.batch_size = batch_size
        self.positions = positions

    def __call__(self, step: int) -> Any:
        rows = rows_of_step(self.order_key, step, len(self.examples), self.batch_size, self.positions)
        return of_parts(lambda part: np.asarray(part[rows]), self.examples)


def _leave_ctrl_c_alone(worker: int, num_workers: int) -> None:
    # SIGINT is sent to the whole process group, and the run's own process still needs batches until it saves.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _mark_flags_as_parsed() -> None:
    # grain asks absl for flags, which nobody has parsed where absl's own main does not run.
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()
