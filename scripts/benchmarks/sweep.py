"""Many runs as lanes of one program, against as many runs one after another."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from benchmarks import subprocesses
from benchmarks.settings import Settings
from benchmarks.tables import Table

from vae_jax.catalogue import load_experiment
from vae_jax.config.fields import with_fields
from vae_jax.parallel.placement import on_one_device
from vae_jax.sweeps.lanes.family import Family
from vae_jax.sweeps.lanes.in_turn import InTurn
from vae_jax.sweeps.lanes.lanes import Lanes
from vae_jax.sweeps.lanes.memory import need
from vae_jax.sweeps.lanes.side_by_side import SideBySide

BETAS, RATES, NUM_SEEDS, NUM_STEPS = ("0.5", "1", "2", "4"), ("1e-4", "3e-4", "1e-3", "3e-3"), 4, 400


def tables(settings: Settings) -> Iterator[Table]:
    """Whole commands, and what lanes gain."""
    yield _commands(settings)
    is_gpu = jax.default_backend() == "gpu"
    yield _lanes("vae", {}, (1, 8, 64, 512) if is_gpu else (1, 8, 64), settings)
    yield _lanes("vae_conv", {}, (1, 8, 32) if is_gpu else (1, 8), settings)


def _commands(settings: Settings) -> Table:
    betas, rates, num_seeds = (BETAS, RATES, NUM_SEEDS) if not settings.quick else (BETAS[:2], RATES[:1], 2)
    lanes = [(beta, rate, seed) for beta in betas for rate in rates for seed in range(num_seeds)]
    with tempfile.TemporaryDirectory() as folder:
        swept, together, apart = Path(folder) / "sweep", 0.0, 0.0
        for number, (beta, rate, seed) in enumerate(lanes):
            if number == len(lanes) // 2:  # in the middle, so that a machine that is busier now and then meets both
                together = _seconds(
                    ["sweep", "vae", "--beta", *betas, "--learning-rate", *rates, "--seed", f"0:{num_seeds}"], swept
                )
            alone = Path(folder) / f"{number:04d}"
            apart += _seconds(["train", "vae", "--beta", beta, "--learning-rate", rate, "--seed", str(seed)], alone)
        names = [f"{number:04d}" for number in range(len(lanes))]
        differences = [_difference(swept / "lanes" / name, Path(folder) / name) for name in names]
    rows = [
        {"what": f"one sweep of {len(lanes)} lanes", "seconds": together},
        {
            "what": f"{len(lanes)} train commands",
            "seconds": apart,
            "times as long": apart / together,
        },
    ]
    notes = (
        f"{NUM_STEPS} steps of 100 images each, with evaluation; train also writes each run's report, the sweep one "
        "page and the report of the best lane. All share one cache of compiled programs, empty at first, as a user's.",
        f"Largest relative difference of a lane to its single run: {max(of[0] for of in differences):.1e} in the bound "
        f"of a validation, {max(of[1] for of in differences):.1e} in the NLL of the evaluation.",
    )
    return Table("sweep: lanes against single runs, `vae` on mnist_5k", rows, notes)


def _seconds(command: Sequence[str], path: Path) -> float:
    cache = ["env", "-u", "JAX_ENABLE_COMPILATION_CACHE", f"JAX_COMPILATION_CACHE_DIR={path.parent / 'compiled'}"]
    words = [sys.executable, "-m", "vae_jax", *command, "--num-steps", str(NUM_STEPS), "--run-dir", str(path)]
    return subprocesses.run([*cache, *words]).seconds


def _difference(lane: Path, single: Path) -> tuple[float, float]:
    """Of the bounds of all validations, and of the NLL."""

    def bounds(path: Path) -> np.ndarray:
        lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text("utf-8").splitlines()]
        return np.array([line["value"] for line in lines if line["split"] == "validation"])

    def nll(path: Path) -> float:
        return json.loads((path / "evaluation.json").read_text("utf-8"))["nll"]

    one, other = bounds(lane), bounds(single)
    return float(np.max(np.abs(one / other - 1))), abs(nll(lane) / nll(single) - 1)


def _lanes(name: str, fields: dict[str, Any], counts: Sequence[int], settings: Settings) -> Table:
    file = load_experiment(name)
    config = with_fields(file.Config(), fields)
    family = Family(file, config, None, file.data(config))
    numbers = {"beta": 1.0, "learning_rate": 1e-3, "seed": 0}
    batch_size = family.experiment(numbers).budget.batch_size
    rows = []
    for num in counts[: 2 if settings.quick else None]:
        ways: dict[str, Lanes] = {
            "side by side": SideBySide(family, numbers, num, on_one_device()),
            "in turn": InTurn(family, numbers, min(num, 8), jax.local_devices()[:1]),
        }
        speeds: dict[str, list[float]] = {way: [] for way in ways}
        for lanes in ways.values():
            lanes.start({slot: numbers | {"seed": slot} for slot in range(lanes.num_slots)})
            _train(lanes, 2)
        for _ in range(settings.num_rounds):
            for way, lanes in ways.items():
                steps = max(4, 400 // num) if name == "vae" else 4
                speeds[way].append(lanes.num_slots * steps * batch_size / _timed(partial(_train, lanes, steps)))
        medians = {way: float(np.median(found)) for way, found in speeds.items()}
        row: dict[str, Any] = {"lanes": num}
        row |= {f"images/s of all, {way}": speed for way, speed in medians.items()}
        row["ratio"] = medians["side by side"] / medians["in turn"]
        row["state of all, MiB"] = num * need(family, numbers).state / 4 * 2 / 2**20
        stats = jax.local_devices()[0].memory_stats() or {}
        if "peak_bytes_in_use" in stats:
            row["peak of the device, MiB"] = stats["peak_bytes_in_use"] / 2**20
        rows.append(row)
        for lanes in ways.values():
            lanes.clear()
    return Table(f"sweep: lanes of `{name}`, one device", rows)


def _train(lanes: Lanes, num_steps: int) -> None:
    slots = range(lanes.num_slots)
    lanes.advance(slots, num_steps)
    lanes.take_sums(slots)


def _timed(function: partial[None]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
