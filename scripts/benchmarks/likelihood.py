"""The importance-sampled log-likelihood: speed, how much at once, and memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from benchmarks import ours, peers
from benchmarks.images import images
from benchmarks.measure import Side, comparison, seconds_by_turns
from benchmarks.settings import Settings
from benchmarks.subprocesses import run_worker
from benchmarks.tables import Table

import vae_jax as vj

NUM_SAMPLES = 5_000
NUM_AT_ONCE = (500, 1_000, 2_000, 5_000, 10_000, 20_000)


def tables(settings: Settings) -> Iterator[Table]:
    """Against pythae; over the size of a chunk; and all test images in a process of its own."""
    data = images(settings.data)
    binary = (data.test > 127).astype(np.uint8)
    yield _against_pythae(binary, settings)
    yield _chunks(binary, settings)
    yield _memory(settings)


def _against_pythae(binary: np.ndarray, settings: Settings) -> Table:
    num, num_of_theirs = (8, 1) if settings.quick else (40, 4)
    sides = [_ours("vae_jax", binary[:num])]
    if pythae := peers.pythae_side():
        for batch_size, about in ((100, "its default batch of 100"), (NUM_SAMPLES, f"a batch of {NUM_SAMPLES:,}")):
            estimate = pythae.log_likelihood(binary[:num_of_theirs], NUM_SAMPLES, batch_size)
            sides.append(Side(f"pythae get_nll, {about}", estimate, num_of_theirs))
    seconds = seconds_by_turns(sides, settings.num_rounds)
    title = f"likelihood: {NUM_SAMPLES:,} importance samples an image, 784-400-20 MLP"
    return Table(title, comparison(seconds, "vae_jax"), peers.missing())


def _chunks(binary: np.ndarray, settings: Settings) -> Table:
    num = 8 if settings.quick else 16
    sides = [_ours(f"num_at_once={rows:,}", binary[:num], num_at_once=rows) for rows in NUM_AT_ONCE]
    seconds = seconds_by_turns(sides, settings.num_rounds)
    return Table("likelihood: decoded samples at once", comparison(seconds, "num_at_once=2,000"))


def _memory(settings: Settings) -> Table:
    rows = []
    for num in (200, 400) if settings.quick else (1_000, 10_000):
        result = run_worker("likelihood_of_all", str(settings.data), str(num), str(NUM_SAMPLES))
        rows.append({"test images": num, "seconds": result["seconds"], "images/s": num / result["seconds"],
                     "peak memory of the process, MiB": result["peak_mebibytes"]})  # fmt: skip
    return Table(f"likelihood: memory with {NUM_SAMPLES:,} samples an image", rows)


def _ours(name: str, binary: np.ndarray, **options: Any) -> Side:
    model = ours.mlp_model()
    params = model.init(jax.random.key(0))
    estimator = vj.evaluation.importance_sampled_log_likelihood(
        model.bind, vj.data.already_binary().apply, num_samples=NUM_SAMPLES, **options
    )
    return Side(name, lambda: estimator(params, binary), len(binary))
