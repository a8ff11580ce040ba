"""Training the MLP: the library, the same step in JAX by hand, PyTorch and pythae."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from benchmarks import fit, ours, peers, raw_jax
from benchmarks.images import images
from benchmarks.measure import Side, comparison, seconds_by_turns
from benchmarks.settings import BATCH_SIZE, Settings
from benchmarks.tables import Table

import vae_jax as vj


def tables(settings: Settings) -> Iterator[Table]:
    """Epochs alone, in JAX and against others; then the whole loop with what it does around them."""
    data = images(settings.data)
    train = data.train[:12_800] if settings.quick else data.train
    what = f"784-400-20 MLP, batch {BATCH_SIZE}, {len(train):,} images of {data.name}"
    yield _in_jax(f"train: {what}, scaled to [0, 1], in JAX", train, False, settings)
    yield _in_jax(f"train: {what}, binarised in each step, in JAX", train, True, settings)
    yield _against_others(f"train: {what}, scaled to [0, 1], beside others", train, settings)
    yield fit.table(train, data.test, settings)


def _in_jax(title: str, train: np.ndarray, binarise: bool, settings: Settings) -> Table:
    # The others stay out of this table: the closer to each other the sides run, the finer the ratio.
    num = len(train) // BATCH_SIZE * BATCH_SIZE
    sides = [
        _ours(train, vj.data.binarise_dynamically(255) if binarise else vj.data.scale(255)),
        Side("JAX by hand", raw_jax.epochs(train, binarise=binarise, with_gradient_norm=False), num),
        Side("... and the gradient's norm", raw_jax.epochs(train, binarise=binarise, with_gradient_norm=True), num),
    ]
    seconds = seconds_by_turns(sides, 3 * settings.num_rounds)
    notes = ("The library's step computes the gradient's norm too: it is reported, and tells a step to be skipped.",)
    return Table(title, comparison(seconds, "vae_jax"), notes)


def _against_others(title: str, train: np.ndarray, settings: Settings) -> Table:
    num = len(train) // BATCH_SIZE * BATCH_SIZE
    sides = [_ours(train, vj.data.scale(255))]
    if torch := peers.torch_side():
        sides.append(Side("PyTorch eager", torch.epochs(torch.mlp(), train), num))
    if pythae := peers.pythae_side():
        sides.append(Side("pythae BaseTrainer", pythae.epochs(train), len(train)))
    return Table(title, comparison(seconds_by_turns(sides, settings.num_rounds), "vae_jax"), peers.missing())


def _ours(train: np.ndarray, transform: vj.data.Transform) -> Side:
    epochs = ours.epochs(ours.adam_trainer(ours.mlp_model()), ours.feed_of(train, transform))
    return Side("vae_jax", epochs, len(train) // BATCH_SIZE * BATCH_SIZE)
