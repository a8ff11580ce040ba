"""Deep hierarchies: the time to compile, the time and the memory of a step, by the number of groups."""

from __future__ import annotations

import time
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import optax
from benchmarks.images import images
from benchmarks.measure import Side, seconds_by_turns
from benchmarks.settings import Settings
from benchmarks.tables import Table

import vae_jax as vj

BATCH_SIZE, WIDTH, LATENT_SIZE = 16, 16, 4
SIDES, SHARES = (1, 7), (1, 5)
"""The resolutions, and the shares of the groups that each has."""


def tables(settings: Settings) -> Iterator[Table]:
    """A row for each number of groups, with and without rematerialisation; the sides take turns."""
    data = images(settings.data)
    batch = jnp.asarray(data.train[:BATCH_SIZE].reshape(BATCH_SIZE, 7, 4, 7, 4).mean((2, 4)) / 255, jnp.float32)
    rows, sides = [], []
    _compiled(6, batch, False)  # the first compilation of a process pays for what the others find done
    for num_groups in (6, 48) if settings.quick else (6, 12, 24, 48):
        for rematerialise in (False, True):
            name = f"{num_groups}{', rematerialised' * rematerialise}"
            step, state, num_lines, seconds = _compiled(num_groups, batch, rematerialise)
            run = lambda step=step, state=state: jax.block_until_ready(step(state, batch))
            sides.append(Side(name, run, 1))
            memory = step.memory_analysis()
            rows.append(
                {
                    "groups": num_groups,
                    "rematerialised": "yes" if rematerialise else "no",
                    "lines of the program": num_lines,
                    "seconds to compile": seconds,
                    "temporary memory of a step, MiB": memory.temp_size_in_bytes / 2**20 if memory else None,
                }
            )
    timed = seconds_by_turns(sides, settings.num_rounds)
    for row, side in zip(rows, sides, strict=True):
        row["a step, ms"] = 1e3 * float(np.median(timed[side.name]))
    what = f"resolutions {', '.join(map(str, SIDES))}, width {WIDTH}, batch {BATCH_SIZE}, {data.name} as 7 x 7 pixels"
    yield Table(f"hierarchies: a training step of the very deep VAE, {what}", rows)


def _compiled(num_groups: int, batch: jax.Array, rematerialise: bool) -> tuple:
    """A compiled step, its first state, the lines of its program, and the seconds to trace and compile it."""
    model = vj.models.very_deep(
        np.full(batch.shape[1:], 0.2, np.float32),
        vj.models.likelihoods.bernoulli(),
        resolutions=SIDES,
        num_blocks=[share * num_groups // sum(SHARES) for share in SHARES],
        num_encoder_blocks=(1, 1),
        width=WIDTH,
        latent_size=LATENT_SIZE,
        rematerialise=rematerialise,
    )
    trainer = vj.trainer(model, vj.objectives.over_batch(vj.objectives.elbo), optax.adam(1e-3), skip_above=1e3)
    state = jax.jit(trainer.init)(jax.random.key(0))
    began = time.perf_counter()
    lowered = jax.jit(trainer.step).lower(state, batch)
    step = lowered.compile()
    seconds = time.perf_counter() - began
    return step, state, len(lowered.as_text().splitlines()), seconds
