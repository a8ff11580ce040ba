"""Rows of a table that are experiments on MNIST, each trained for the same short budget."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from benchmarks.settings import Settings

import vae_jax as vj
from vae_jax.config.saved import config_from
from vae_jax.data.feed import make_feed
from vae_jax.evaluation import evaluate
from vae_jax.training.advance import advance, start

RECORDS = Path("runs") / "tables"
NUM_SEEDS = 3
NUM_TEST_IMAGES = 1_000


class Row(NamedTuple):
    """A line of the table: an experiment and its options."""

    title: str
    experiment: str
    options: dict[str, Any]


class Plan(NamedTuple):
    """What is measured."""

    name: str
    """Of the file of records."""
    rows: Sequence[Row]
    budget: dict[str, Any]
    """Options of every row."""
    num_samples: int
    """K of the NLL."""


def lines_of(plan: Plan, settings: Settings) -> Iterator[dict[str, Any]]:
    """A line for each row, from records that are kept: what was measured once is not measured again."""
    path = RECORDS / f"{plan.name}{'_quick' if settings.quick else ''}.jsonl"
    for seed in range(NUM_SEEDS):
        for row in plan.rows:
            if (row.title, seed) not in _records(path):
                _keep(path, _measured(plan, row, seed, settings))
    records = _records(path)
    for title in dict.fromkeys(title for title, _ in records):
        yield _line(title, [record for (other, _), record in records.items() if other == title])


def _measured(plan: Plan, row: Row, seed: int, settings: Settings) -> dict[str, Any]:
    file = vj.load_experiment(row.experiment)
    data = vj.DataConfig(
        "mnist",
        dir=str(settings.data / "tfds"),
        train="train[:50000]",
        validation="train[50000:]",
        test=f"test[:{NUM_TEST_IMAGES}]",
    )
    config = config_from(file, {"data": data, "seed": seed} | row.options | plan.budget)
    experiment = file.experiment(config, file.data(config))
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
        num_samples=10 if settings.quick else plan.num_samples,
    )
    kept = ("nll", "nll_standard_error", "elbo", "kl", "active_units", "num_samples", "effective_sample_size")
    about = {"title": row.title, "seed": seed, "num_steps": num_steps, "seconds": seconds}
    return about | {name: result[name] for name in kept}


def _line(title: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    mean = {name: float(np.mean([record[name] for record in records])) for name in records[0] if name != "title"}
    nlls = [record["nll"] for record in records]
    return {
        "experiment": title,
        "NLL": round(mean["nll"], 2),
        "± over images": round(mean["nll_standard_error"], 2),
        "± over seeds": round(float(np.std(nlls, ddof=1) / len(nlls) ** 0.5), 2) if len(nlls) > 1 else None,
        "−ELBO": round(-mean["elbo"], 2),
        "KL": round(mean["kl"], 2),
        "active units": round(mean["active_units"], 1),
        "seeds": len(nlls),
        "seconds of training": round(mean["seconds"]),
    }


def _records(path: Path) -> dict[tuple[str, int], dict[str, Any]]:
    lines = path.read_text().splitlines() if path.is_file() else []
    return {(record["title"], record["seed"]): record for record in map(json.loads, lines)}


def _keep(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
