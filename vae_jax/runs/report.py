"""From a run to its pictures and its report page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vae_jax import generation
from vae_jax.catalogue import ExperimentFile
from vae_jax.data import Transform
from vae_jax.evaluation import example_keys
from vae_jax.experiment import Experiment
from vae_jax.files import write_bytes
from vae_jax.messages import UsageError
from vae_jax.report import image_grid, pair_grid, pictures, report_html, save_png
from vae_jax.runs.config import command
from vae_jax.runs.directory import RunDirectory
from vae_jax.training.metrics import read_metrics
from vae_jax.types import Params
from vae_jax.vae import VAE


def write_run_report(
    directory: RunDirectory,
    file: ExperimentFile,
    record: dict[str, Any],
    config: Any,
    experiment: Experiment,
    params: Params,
    evaluation: dict[str, Any],
) -> None:
    """Write `images/` and `report.html`: functions of the run's files alone, so the same each time.

    Args:
        directory: Where they go, and where metrics and environment are.
        file: The experiment's file.
        record: The run's `config.json`.
        config: The experiment's `Config`.
        experiment: The experiment.
        params: What the pictures are of.
        evaluation: The run's `evaluation.json`.
    """
    split = experiment.dataset.split(evaluation["split"])
    rows = spread(len(split.examples), 2_000)
    found = pictures(
        jax.random.key(experiment.seed),
        experiment.model,
        params,
        as_seen(experiment.transform, split.examples, rows),
        None if split.labels is None else split.labels[rows],
    )
    directory.images.mkdir(exist_ok=True)
    for name, picture in found.items():
        write_bytes(directory.images / f"{name}.png", picture.png)
    page = report_html(
        title=file.name,
        summary=file.summary,
        config=record["config"],
        data=experiment.dataset.summary() | {"transform": experiment.transform.name},
        evaluation=evaluation,
        environment=directory.read_json(directory.environment) or {},
        metrics=read_metrics(directory.metrics),
        pictures=list(found.values()),
        command=command(record, config),
        measures=evaluation["measures"],
        best_step=evaluation["checkpoint_step"],
    )
    write_bytes(directory.report, page.encode())


def write_samples(experiment: Experiment, vae: VAE, num: int, seed: int, path: Path) -> None:
    """A PNG of `num` new examples."""
    _check_images(experiment)
    save_png(path, image_grid(np.asarray(generation.sample(jax.random.key(seed), vae, num)), num_columns=columns(num)))


def write_reconstructions(experiment: Experiment, vae: VAE, num: int, split: str, path: Path) -> None:
    """A PNG of `num` examples of a split, each above its reconstruction."""
    _check_images(experiment)
    examples = experiment.dataset.split(split).examples
    originals = as_seen(experiment.transform, examples, spread(len(examples), num))
    save_png(
        path,
        pair_grid(np.asarray(originals), np.asarray(generation.reconstruct(vae, originals)), num_columns=columns(num)),
    )


def _check_images(experiment: Experiment) -> None:
    shape = experiment.dataset.example_shape
    if not (len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))):
        raise UsageError(
            f"expected images, (height, width) or (height, width, 1 or 3), to draw; got examples of {shape}"
        )


def as_seen(transform: Transform, examples: np.ndarray, rows: np.ndarray, seed: int = 0) -> Array:
    """Stored examples as the model sees them, by the same draw as in the evaluation of that seed."""

    def of_one(example: Array, index: Array) -> Array:
        transform_key, _ = example_keys(seed, index)
        return transform.apply(transform_key, example)

    return jax.vmap(of_one)(jnp.asarray(examples[rows]), jnp.asarray(rows))


def spread(num_examples: int, num: int) -> np.ndarray:
    """Indices of `num` examples, or all, of which the first few are spread evenly: data are often sorted by class.

    Multiples of the golden ratio, modulo one, fill the unit interval evenly from the first few on.
    """
    golden = (np.sqrt(5) - 1) / 2
    return np.argsort(np.arange(num_examples) * golden % 1, kind="stable")[:num]


def columns(num: int) -> int:
    """Columns of a grid of `num` pictures that is about twice as wide as high at most."""
    return max(1, min(num, 16, int(np.ceil(np.sqrt(num)))))
