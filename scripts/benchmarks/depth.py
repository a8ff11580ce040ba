"""Deep residual networks: a loop over the blocks beside one block after the other, and bfloat16 beside float32."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from benchmarks import ours
from benchmarks.images import images
from benchmarks.measure import Side, comparison, seconds_by_turns
from benchmarks.settings import BATCH_SIZE, LATENT_SIZE, Settings
from benchmarks.tables import Table

import vae_jax as vj
from vae_jax.networks import Network, ResidualBlock, in_sequence, linen, repeated

# At ten times this, 24 blocks of width 256 are back at the mean image after 300 steps.
LEARNING_RATE = 1e-4


def tables(settings: Settings) -> Iterator[Table]:
    """Compilation by depth; training of a deep VAE in each format; how far the two formats come apart."""
    width, num_blocks = (64, 4) if settings.quick else (256, 24)
    data = images(settings.data)
    what = f"VAE of two residual networks, {num_blocks} blocks of width {width}, batch {BATCH_SIZE}, {data.name}"
    yield _compilation(width, (2, 4) if settings.quick else (4, 64), settings.num_rounds)
    yield _training(what, data.train, width, num_blocks, settings)
    yield _values(what, data.train, width, num_blocks, 20 if settings.quick else 300)


def _compilation(width: int, depths: tuple[int, int], num_rounds: int) -> Table:
    block = linen(ResidualBlock(), (width,))
    _compiled_gradient(block, width)  # the first compilation of a process pays for what the others find done
    rows = []
    for num in depths:
        networks = {
            "in a loop (`repeated`)": repeated(block, num),
            "one after the other": in_sequence(**{f"block_{i}": block for i in range(num)}),
        }
        compiled = {name: _compiled_gradient(network, width) for name, network in networks.items()}
        sides = [Side(name, run, BATCH_SIZE) for name, (run, *_) in compiled.items()]
        seconds = seconds_by_turns(sides, 3 * num_rounds)
        rows += [{"blocks": num, "side": name, "lines of the program": num_lines, "seconds to compile": compiling,
                  "gradient of a batch, ms": 1e3 * BATCH_SIZE * float(np.median(seconds[name]))}
                 for name, (_, num_lines, compiling) in compiled.items()]  # fmt: skip
    return Table(f"depth: the gradient of residual blocks of width {width}, batch {BATCH_SIZE}", rows)


def _compiled_gradient(network: Network, width: int) -> tuple[Callable[[], object], int, float]:
    """A function that computes a gradient, the lines of its program, and the seconds to trace and compile it."""

    def loss(params: Any, x: jax.Array) -> jax.Array:
        return jnp.square(jax.vmap(network.apply, (None, 0))(params, x)).mean()

    params = jax.jit(network.init)(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (BATCH_SIZE, width))
    began = time.perf_counter()
    lowered = jax.jit(jax.grad(loss)).lower(params, x)
    compiled = lowered.compile()
    seconds = time.perf_counter() - began
    return lambda: jax.block_until_ready(compiled(params, x)), len(lowered.as_text().splitlines()), seconds


def _trainer(train: np.ndarray, width: int, num_blocks: int, precision: str, rematerialise: bool = False) -> vj.Trainer:
    model = vj.models.residual(
        train.mean(0, dtype=np.float32) / 255,
        vj.models.likelihoods.bernoulli(),
        latent_size=LATENT_SIZE,
        width=width,
        num_blocks=num_blocks,
        rematerialise=rematerialise,
        precision=precision,
    )
    return vj.trainer(model, vj.objectives.over_batch(vj.objectives.elbo), optax.adam(LEARNING_RATE))


def _training(what: str, train: np.ndarray, width: int, num_blocks: int, settings: Settings) -> Table:
    feed = ours.feed_of(train[: 20 * BATCH_SIZE], vj.data.scale(255))
    options = {
        "float32": ("float32", False),
        "float32, rematerialised": ("float32", True),
        "bfloat16": ("bfloat16", False),
        "bfloat16, rematerialised": ("bfloat16", True),
    }
    trainers = {name: _trainer(train, width, num_blocks, *option) for name, option in options.items()}
    sides = [Side(name, ours.epochs(trainer, feed), 20 * BATCH_SIZE) for name, trainer in trainers.items()]
    rows = comparison(seconds_by_turns(sides, settings.num_rounds), "float32")
    for row, trainer in zip(rows, trainers.values(), strict=True):
        row["temporary memory of a step, MiB"] = _temporary_mebibytes(trainer)
    return Table(f"depth: {what}, scaled to [0, 1]", rows)


def _temporary_mebibytes(trainer: vj.Trainer) -> float | None:
    state = jax.eval_shape(trainer.init, jax.random.key(0))
    batch = jax.ShapeDtypeStruct((BATCH_SIZE, *ours.IMAGE_SHAPE), jnp.float32)
    memory = jax.jit(trainer.step).lower(state, batch).compile().memory_analysis()
    return memory.temp_size_in_bytes / 2**20 if memory else None


def _values(what: str, train: np.ndarray, width: int, num_blocks: int, num_steps: int) -> Table:
    """The same parameters, batches and noise: what is different is the format alone."""
    batches = jnp.asarray(train[: num_steps * BATCH_SIZE].reshape(-1, BATCH_SIZE, *ours.IMAGE_SHAPE))
    full, low = (
        _curve(_trainer(train, width, num_blocks, precision), batches) for precision in ("float32", "bfloat16")
    )
    rows = []
    for part in np.array_split(np.arange(len(batches)), 3):
        difference = low[part] - full[part]
        rows.append({"steps": f"{part[0] + 1} to {part[-1] + 1}", "value in float32, nats": float(full[part].mean()),
                     "in bfloat16": float(low[part].mean()), "mean difference": float(difference.mean()),
                     "largest of a step": float(np.abs(difference).max())})  # fmt: skip
    return Table(f"depth: values as training goes on, {what}", rows)


def _curve(trainer: vj.Trainer, batches: jax.Array) -> np.ndarray:
    """The value of each training step, in nats."""

    def step(state: Any, batch: jax.Array) -> tuple[Any, jax.Array]:
        state, metrics = trainer.step(state, batch.astype(jnp.float32) / 255)
        return state, metrics["value"]

    return np.asarray(jax.jit(lambda: jax.lax.scan(step, trainer.init(jax.random.key(0)), batches)[1])(), float)
