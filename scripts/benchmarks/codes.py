"""Autoencoders with codes on Fashion-MNIST, beside the examples of vector-quantize-pytorch, step by step in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from benchmarks.peers import codes_torch_side
from benchmarks.settings import Settings
from benchmarks.tables import Table
from flax import linen as nn

import vae_jax as vj
from vae_jax.distributions import Laplace
from vae_jax.models import bottlenecks
from vae_jax.models.likelihoods import Likelihood

NUM_CODES, SIZE, LEVELS = 256, 32, (8, 6, 5)
# The examples weigh means over the numbers of a batch; a sum over an example's pixels weighs 784 times as much as their
# mean, and one over its 49 vectors of 32 numbers 1,568 times.
PER_NUMBER = 784 / (49 * SIZE)


class Budget(NamedTuple):
    """The length of all trainings."""

    num_steps: int
    batch_size: int
    learning_rate: float


WHOLE, QUICK = Budget(1_000, 256, 3e-4), Budget(20, 256, 3e-4)  # the first is the examples'


class Side(NamedTuple):
    """One autoencoder."""

    step: Callable[[np.ndarray], None]
    """Trains on a batch of bytes, to the end of the step."""
    test: Callable[[np.ndarray], tuple[float, float]]
    """Test images -> mean absolute error of a pixel, between −1 and 1, and the share of codes in use."""


class Encoder(nn.Module):
    """The encoder of the examples: 28 x 28 -> 7 x 7."""

    size: int
    is_normalised: bool = False

    @nn.compact
    def __call__(self, image):
        x = nn.gelu(nn.max_pool(nn.Conv(16, (3, 3))(image[None, ..., None]), (2, 2), (2, 2)), approximate=False)
        x = nn.max_pool(nn.Conv(32, (3, 3))(x), (2, 2), (2, 2))
        if self.is_normalised:
            x = nn.GroupNorm(4, use_bias=False, use_scale=False)(x)
        return (x if self.size == SIZE else nn.Conv(self.size, (1, 1))(x))[0]


class Decoder(nn.Module):
    """The decoder of the examples: 7 x 7 -> 28 x 28."""

    size: int

    @nn.compact
    def __call__(self, grid):
        x = grid[None] if self.size == SIZE else nn.Conv(32, (3, 3))(grid[None])
        doubled = lambda x: x.repeat(2, axis=1).repeat(2, axis=2)
        x = nn.gelu(nn.Conv(16, (3, 3))(doubled(x)), approximate=False)
        return nn.Conv(1, (3, 3))(doubled(x))[0, ..., 0]


def our_side(bottleneck: bottlenecks.Bottleneck, learning_rate: float, *, is_normalised: bool = False) -> Side:
    """The example's networks, loss and optimizer around a bottleneck of ours."""
    size = bottleneck.size
    # The absolute error, summed: a Laplace likelihood of scale 1, up to a constant.
    absolute = Likelihood(lambda key: (), lambda _, output: Laplace(output, 1.0), lambda shape: shape, jnp.asarray)
    encoder = vj.networks.linen(Encoder(size, is_normalised), (28, 28))
    decoder = vj.networks.linen(Decoder(size), (7, 7, size))
    model = vj.models.quantised(encoder, decoder, absolute, bottleneck=bottleneck, places=(7, 7))
    ascent = vj.trainer(model, vj.objectives.quantised_autoencoder, optax.adamw(learning_rate, weight_decay=1e-2))
    state = [jax.jit(ascent.init)(jax.random.key(0))]
    compiled = jax.jit(lambda state, images: ascent.step(state, _scaled(images))[0], donate_argnums=0)

    def step(images: np.ndarray) -> None:
        state[0] = jax.block_until_ready(compiled(state[0], images))

    @jax.jit
    def of_batch(params, images):
        x, vae = _scaled(images), model.bind(params)
        posteriors = jax.vmap(vae.posterior)(x)
        errors = jnp.abs(jnp.clip(jax.vmap(lambda z: vae.likelihood(z).mean())(posteriors.value), -1, 1) - x)
        return errors.mean(), posteriors.codes

    def test(images: np.ndarray) -> tuple[float, float]:
        errors, codes = zip(*(of_batch(state[0].params, part) for part in np.split(images, 20)), strict=True)
        return float(np.mean(errors)), len(np.unique(np.concatenate(codes))) / bottleneck.num_codes

    return Side(step, test)


def sides(rate: float) -> dict[tuple[str, str], Side]:
    """(bottleneck, side) -> the autoencoder."""
    rotated = {"gradient": "rotation", "commitment": 10 * PER_NUMBER}
    ours = {
        "FSQ": our_side(bottlenecks.fsq(LEVELS), rate),
        "VQ": our_side(
            bottlenecks.vq(NUM_CODES, SIZE, **rotated, decay=0.8, starts_from_means=False, revive_below=0.0),
            rate,
        ),
        "VQ, from means, revived": our_side(bottlenecks.vq(NUM_CODES, SIZE, **rotated), rate),
        "LFQ": our_side(bottlenecks.lfq(8, commitment=0.0, entropy=0.02 * 784 / 49), rate, is_normalised=True),
        "SimVQ": our_side(
            bottlenecks.sim_vq(
                NUM_CODES, SIZE, gradient="rotation", commitment=PER_NUMBER / 4, codebook_weight=PER_NUMBER
            ),
            rate,
        ),
    }
    found = {(name, "vae_jax"): side for name, side in ours.items()}
    if (torch_side := codes_torch_side()) is not None:
        theirs = torch_side.sides(NUM_CODES, SIZE, LEVELS, rate)
        found |= {(name, "vector-quantize-pytorch"): Side(*side) for name, side in theirs.items()}
    return found


def tables(settings: Settings) -> Iterator[Table]:
    """One table."""
    title = f"codes: Fashion-MNIST, {NUM_CODES} codes (FSQ 240) in each of 7 x 7 places"
    if not (settings.data / "tfds" / "fashion_mnist").is_dir():
        yield Table(title, [], (f"left out: there is no tfds/fashion_mnist in {settings.data}; give --data",))
        return
    data = vj.data.load(vj.DataConfig("fashion_mnist", dir=str(settings.data / "tfds"), validation="train[:1%]"))
    train, test = (np.asarray(data.split(name).examples[:]).reshape(-1, 28, 28) for name in ("train", "test"))
    num_steps, batch_size, rate = QUICK if settings.quick else WHOLE
    order = np.random.default_rng(0).permutation(len(train))
    all_sides = sides(rate)
    seconds: dict[tuple[str, str], list[float]] = {name: [] for name in all_sides}
    for turn in range(num_steps):
        rows = order[np.arange(turn * batch_size, (turn + 1) * batch_size) % len(order)]
        for name, side in all_sides.items():
            began = time.perf_counter()
            side.step(train[rows])
            seconds[name].append(time.perf_counter() - began)
    rows = []
    for (name, whose), side in sorted(all_sides.items()):
        error, usage = side.test(test)
        milliseconds = round(1_000 * statistics.median(seconds[name, whose]), 1)
        rows.append({"bottleneck": name, "side": whose, "absolute error": round(error, 4),
                     "codes in use": f"{usage:.1%}", "ms a step": milliseconds})  # fmt: skip
    yield Table(
        title,
        rows,
        (
            f"{num_steps:,} steps of {batch_size} images, AdamW at {rate:g}, the networks and losses of its examples; "
            "mean error of a pixel between −1 and 1 and the share of codes over the 10,000 test images; the median "
            "time of a step, the sides by turns.",
        ),
    )


def _scaled(images):
    return images.astype(jnp.float32) / 127.5 - 1
