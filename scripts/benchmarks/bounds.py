"""Objectives, posteriors and priors on dynamically binarised MNIST, each for the same short budget."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from benchmarks.settings import Settings
from benchmarks.tables import Table

import vae_jax as vj
from vae_jax.data.feed import make_feed
from vae_jax.evaluation import evaluate
from vae_jax.runs.config import config_from
from vae_jax.training.advance import advance, start

RECORDS = Path("runs") / "tables"
BUDGET: dict[str, Any] = {"num_epochs": 2, "batch_size": 20}
NUM_SEEDS = 3
NUM_TEST_IMAGES = 1_000
NUM_SAMPLES = 5_000


class Row(NamedTuple):
    """A line of the table: an experiment and its options."""

    title: str
    experiment: str
    options: dict[str, Any]


NETWORK = {"latent_size": 50, "hidden_sizes": (200, 200), "activation": "tanh"}
ROWS = (
    Row("ELBO", "vae_mnist", {}),
    Row("IWAE, K = 5", "iwae", {"num_samples": 5}),
    Row("IWAE, K = 50", "iwae", {"num_samples": 50}),
    Row("IWAE with DReG, K = 50", "dreg", {"num_samples": 50}),
    Row("MIWAE, 5 of 10", "miwae", {"num_groups": 5, "num_samples": 10}),
    Row("PIWAE, 5 of 10", "piwae", {"num_groups": 5, "num_samples": 10}),
    Row("CIWAE, β = 0.5, K = 50", "ciwae", {"beta": 0.5, "num_samples": 50}),
    Row("Rényi, α = 0.5, K = 50", "renyi", {"alpha": 0.5, "num_samples": 50}),
    Row("ELBO, IAF posterior", "vae_iaf", NETWORK),
    Row("ELBO, VampPrior", "vae_vamp", {}),
)


def tables(settings: Settings) -> Iterator[Table]:
    """One table, from records that are kept: what was measured once is not measured again."""
    path = RECORDS / ("bounds_quick.jsonl" if settings.quick else "bounds.jsonl")
    for seed in range(NUM_SEEDS):
        for row in ROWS:
            if (row.title, seed) not in _records(path):
                _keep(path, _measured(row, seed, settings))
    yield _table(_records(path))


def _measured(row: Row, seed: int, settings: Settings) -> dict[str, Any]:
    file = vj.load_experiment(row.experiment)
    data = vj.DataConfig(
        "mnist",
        dir=str(settings.data / "tfds"),
        train="train[:50000]",
        validation="train[50000:]",
        test=f"test[:{NUM_TEST_IMAGES}]",
    )
    experiment = file.experiment(config_from(file, {"data": data, "seed": seed} | row.options | BUDGET))
    dataset, budget = experiment.dataset, experiment.budget
    run_key, data_key = jax.random.split(jax.random.key(seed))
    feed = make_feed(dataset.train.examples, experiment.training_transform.apply, budget.batch_size, data_key)
    num_steps = 100 if settings.quick else budget.num_steps
    began = time.perf_counter()
    progress = advance(experiment.trainer, feed)(start(experiment.trainer, feed, run_key), iter(()), num_steps)
    jax.block_until_ready(progress)
    seconds = time.perf_counter() - began
    result = evaluate(
        experiment.model,
        experiment.bound,
        experiment.transform.apply,
        progress.state.params,
        dataset.split("test").examples,
        num_samples=10 if settings.quick else NUM_SAMPLES,
    )
    kept = ("nll", "nll_standard_error", "elbo", "kl", "active_units", "num_samples", "effective_sample_size")
    about = {"title": row.title, "seed": seed, "num_steps": num_steps, "seconds": seconds}
    return about | {name: result[name] for name in kept}


def _table(records: dict[tuple[str, int], dict[str, Any]]) -> Table:
    rows = []
    for title in dict.fromkeys(title for title, _ in records):
        of_row = [record for (other, _), record in records.items() if other == title]
        mean = {name: float(np.mean([record[name] for record in of_row])) for name in of_row[0] if name != "title"}
        nlls = [record["nll"] for record in of_row]
        rows.append({
            "experiment": title,
            "NLL": round(mean["nll"], 2),
            "± over images": round(mean["nll_standard_error"], 2),
            "± over seeds": round(float(np.std(nlls, ddof=1) / len(nlls) ** 0.5), 2) if len(nlls) > 1 else None,
            "−ELBO": round(-mean["elbo"], 2),
            "KL": round(mean["kl"], 2),
            "active units": round(mean["active_units"], 1),
            "seeds": len(nlls),
            "seconds of training": round(mean["seconds"]),
        })  # fmt: skip
    title = f"bounds: dynamically binarised MNIST, 784-200-200-50, {BUDGET['num_epochs']} epochs of 50,000 images"
    note = f"NLL with {NUM_SAMPLES:,} importance samples on {NUM_TEST_IMAGES:,} test images, nats; batches of 20."
    return Table(title, rows, (note,))


def _records(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    lines = path.read_text().splitlines() if path.is_file() else []
    return {(record["title"], record["seed"]): record for record in map(json.loads, lines)}


def _keep(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
