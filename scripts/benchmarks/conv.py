"""Training the convolutional VAE: the library and PyTorch."""

from __future__ import annotations

from benchmarks import ours, peers
from benchmarks.images import images
from benchmarks.measure import Side, comparison, seconds_by_turns
from benchmarks.settings import BATCH_SIZE, Settings
from benchmarks.tables import Table

import vae_jax as vj


def tables(settings: Settings) -> list[Table]:
    """A hundred steps at a turn."""
    data = images(settings.data)
    train = data.train[: (20 if settings.quick else 100) * BATCH_SIZE]
    feed = ours.feed_of(train, vj.data.scale(255))
    sides = [Side("vae_jax", ours.epochs(ours.adam_trainer(ours.conv_model()), feed), len(train))]
    if torch := peers.torch_side():
        sides.append(Side("PyTorch eager", torch.epochs(torch.conv(), train), len(train)))
    seconds = seconds_by_turns(sides, settings.num_rounds)
    what = f"convolutions of 32 and 64 channels, kernel 4, stride 2, latent 20, batch {BATCH_SIZE}"
    return [Table(f"conv: {what}, {len(train):,} images of {data.name}", comparison(seconds, "vae_jax"),
                  peers.missing()[:1])]  # fmt: skip
