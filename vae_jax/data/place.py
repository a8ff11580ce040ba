"""Placement of the examples of a data set during a run: in memory, or where they are stored."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

import jax

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import ArrayLike, in_memory, is_computed, num_bytes, with_parts

SHARE_OF_MEMORY = 0.25


def place(dataset: Dataset, feed: Literal["auto", "memory", "stream"] = "auto", num_workers: int = 0) -> Dataset:
    """The data, read into memory or left where they are to be streamed. Both ways give the same batches.

    Args:
        dataset: The data.
        feed: "auto" keeps the examples in memory if they take at most a quarter of it.
        num_workers: Number of processes that read a stream.

    Raises:
        ValueError: If the number of processes is negative.
    """
    if num_workers < 0:
        raise ValueError(f"expected --data.num-workers of at least 0; got {num_workers}; 0 reads by threads")
    splits = dataset.splits
    size = sum(num_bytes(split.examples) for split in splits.values())
    is_streamed = streams(size, feed)
    if not is_streamed:
        splits = {name: _in_memory(split) for name, split in splits.items()}
    return replace(dataset, splits=splits, is_streamed=is_streamed, num_workers=num_workers)


def streams(size: int, feed: Literal["auto", "memory", "stream"]) -> bool:
    """Whether examples of so many bytes are streamed."""
    return feed == "stream" or (feed == "auto" and size > memory_budget())


def memory_budget() -> int:
    """Bytes that the examples may take before they are streamed: a quarter of the host's memory and of the device's."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    statistics = jax.local_devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        sizes.append(statistics["bytes_limit"])
    return int(SHARE_OF_MEMORY * min(sizes))


def _in_memory(split: Split) -> Split:
    return Split(*(None if stored is None else with_parts(_kept, stored) for stored in split))


def _kept(examples: ArrayLike) -> ArrayLike:
    return examples if is_computed(examples) else in_memory(examples)
