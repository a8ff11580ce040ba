"""Training the MLP: the library, the same step in JAX by hand, PyTorch and pythae."""

from __future__ import annotations

from benchmarks import fit, ours, peers, raw_jax
from benchmarks.images import images
from benchmarks.measure import Side, comparison, seconds_by_turns
from benchmarks.settings import BATCH_SIZE, Settings
from benchmarks.tables import Table

import vae_jax as vj


def tables(settings: Settings) -> list[Table]:
    """Epochs alone, scaled and binarised; then the whole loop with what it does around them."""
    data = images(settings.data)
    train = data.train[:12_800] if settings.quick else data.train
    num = len(train) // BATCH_SIZE * BATCH_SIZE

    sides = [
        Side("vae_jax", ours.epochs(ours.adam_trainer(ours.mlp_model()), ours.feed_of(train, vj.data.scale(255))), num),
        Side("JAX by hand", raw_jax.epochs(train, binarise=False, with_gradient_norm=False), num),
        Side("... and gradient norm", raw_jax.epochs(train, binarise=False, with_gradient_norm=True), num),
    ]
    if torch := peers.torch_side():
        sides.append(Side("PyTorch eager", torch.epochs(torch.mlp(), train), num))
    if pythae := peers.pythae_side():
        sides.append(Side("pythae BaseTrainer", pythae.epochs(train), len(train)))
    what = f"784-400-20 MLP, batch {BATCH_SIZE}, {len(train):,} images of {data.name}"
    seconds = seconds_by_turns(sides, settings.num_rounds)
    scaled = Table(f"train: {what}, scaled", comparison(seconds, "vae_jax"), peers.missing())

    transform = vj.data.binarise_dynamically(255)
    sides = [
        Side("vae_jax", ours.epochs(ours.adam_trainer(ours.mlp_model()), ours.feed_of(train, transform)), num),
        Side("JAX by hand", raw_jax.epochs(train, binarise=True, with_gradient_norm=False), num),
        Side("... and gradient norm", raw_jax.epochs(train, binarise=True, with_gradient_norm=True), num),
    ]
    seconds = seconds_by_turns(sides, settings.num_rounds)
    binarised = Table(f"train: {what}, binarised in each step", comparison(seconds, "vae_jax"))
    return [scaled, binarised, fit.table(train, data.test, settings)]
