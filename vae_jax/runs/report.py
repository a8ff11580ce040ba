"""From a run to its pictures and its report page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vae_jax import generation
from vae_jax.catalogue import ExperimentFile
from vae_jax.data import Split, Transform
from vae_jax.data.examples import Examples
from vae_jax.evaluation import example_keys
from vae_jax.experiment import Experiment
from vae_jax.files import write_bytes
from vae_jax.machine.flops import in_words
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
        _classes(split, rows),
        to_unit=to_unit(experiment),
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
        environment=environment_in_words(directory.read_json(directory.environment) or {}),
        metrics=read_metrics(directory.metrics),
        pictures=list(found.values()),
        command=command(record, config),
        measures=evaluation["measures"],
        best_step=evaluation["checkpoint_step"],
    )
    write_bytes(directory.report, page.encode())


def environment_in_words(environment: dict[str, Any]) -> dict[str, Any]:
    """The run's `environment.json`, the cost of a step in words and each distribution on a line of its own."""
    count, families = environment.get("flops_per_step"), environment.get("families", {})
    rest = {name: value for name, value in environment.items() if name not in ("flops_per_step", "families")}
    return rest | families | ({} if count is None else {"training step": in_words(count)})


def write_samples(experiment: Experiment, vae: VAE, num: int, seed: int, path: Path) -> None:
    """`num` new examples: a PNG of images, or a CSV of the rows of a table, in the units that were stored.

    Images are the means of p(x|z), as is usual; rows are draws, so that they vary as the data do.
    """
    key, to_stored = jax.random.key(seed), jax.vmap(experiment.transform.to_stored)
    if path.suffix.lower() == ".csv":
        columns = experiment.dataset.columns
        if not columns:
            raise UsageError(f"expected a table to write rows to {path}; got images; name a .png file")
        rows = np.asarray(to_stored(generation.sample(key, vae, num, mean=False)))
        lines = [",".join(columns), *(",".join(f"{value:.6g}" for value in row) for row in rows)]
        write_bytes(path, ("\n".join(lines) + "\n").encode())
    else:
        _check_images(experiment)
        images = jax.vmap(to_unit(experiment))(generation.sample(key, vae, num))
        save_png(path, image_grid(np.asarray(images), num_columns=num_columns(num)))


def write_reconstructions(experiment: Experiment, vae: VAE, num: int, split: str, path: Path) -> None:
    """A PNG of `num` examples of a split, each above its reconstruction."""
    _check_images(experiment)
    examples = experiment.dataset.split(split).examples
    originals = as_seen(experiment.transform, examples, spread(len(examples), num))
    shown, reconstructed = (
        np.asarray(jax.vmap(to_unit(experiment))(images))
        for images in (originals, generation.reconstruct(vae, originals))
    )
    save_png(path, pair_grid(shown, reconstructed, num_columns=num_columns(num)))


def to_unit(experiment: Experiment) -> Callable[[Array], Array]:
    """From one example as the model sees it to what a picture shows: 0 is black and 1 is white."""
    return lambda x: experiment.transform.to_stored(x) / experiment.dataset.max_value


def _classes(split: Split, rows: np.ndarray) -> np.ndarray | None:
    """The labels of some rows; of the factors that made an example, the first."""
    if split.labels is None:
        return None
    labels = np.asarray(split.labels[rows])
    return labels if labels.ndim == 1 else labels[:, 0]


def _check_images(experiment: Experiment) -> None:
    dataset = experiment.dataset
    if dataset.columns:
        raise UsageError("expected images to draw; got a table; 'vae-jax sample' writes its rows to a .csv file")
    if not dataset.holds_images:
        raise UsageError(
            "expected images, (height, width) or (height, width, 1 or 3), to draw; "
            f"got examples of {dataset.example_shape}"
        )


def as_seen(transform: Transform, examples: Examples, rows: np.ndarray, seed: int = 0) -> Array:
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


def num_columns(num: int) -> int:
    """Columns of a grid of `num` pictures that is about twice as wide as high at most."""
    return max(1, min(num, 16, int(np.ceil(np.sqrt(num)))))
