"""The pictures and the report page of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from vae_jax import generation
from vae_jax.catalogue import ExperimentFile, is_shipped
from vae_jax.config.command import command
from vae_jax.data.columns import classes_of_columns
from vae_jax.data.dataset import is_image
from vae_jax.data.files.rows import KINDS as ROWS
from vae_jax.data.files.rows import values_of, write_rows
from vae_jax.data.sheet import num_columns
from vae_jax.data.spread import spread
from vae_jax.experiment import Experiment
from vae_jax.files import read_json, write_bytes
from vae_jax.keys import key_of
from vae_jax.machine.flops import in_words
from vae_jax.messages import UsageError
from vae_jax.report import image_of, pair_grid, pictures, report_html, save_png
from vae_jax.runs.chosen import as_seen, classes_of, named_classes
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.same_data import accepted_in_words
from vae_jax.training.metrics import read_metrics
from vae_jax.types import Params
from vae_jax.vae import VAE, Conditional, condition_and_x


def write_run_report(
    directory: RunDirectory,
    file: ExperimentFile,
    record: dict[str, Any],
    config: Any,
    experiment: Experiment,
    params: Params,
    evaluation: dict[str, Any],
    target: RunDirectory,
) -> None:
    """Write `images/` and `report.html`: they depend on the run's files alone, so they are the same each time.

    Args:
        directory: The run's directory, which has the metrics, the environment and other evaluations.
        file: The experiment's file.
        record: The run's `config.json`.
        config: The experiment's `Config`.
        experiment: The experiment.
        params: The parameters for the pictures.
        evaluation: The run's `evaluation.json`.
        target: The directory that gets the results, mostly the run's own.
    """
    split = experiment.dataset.split(evaluation["split"])
    rows = spread(len(split.examples), 2_000)
    found = pictures(
        key_of(experiment.seed),
        experiment.model,
        params,
        as_seen(experiment.transform, split.examples, rows),
        named_classes(experiment.dataset, classes_of(split, rows)),
        to_unit=to_unit(experiment),
    )
    target.images.mkdir(exist_ok=True)
    for name, picture in found.items():
        write_bytes(target.images / f"{name}.png", picture.png)
    page = report_html(
        title=file.name,
        summary=file.summary,
        config=record["config"],
        data=experiment.dataset.summary() | {"transform": experiment.transform.name} | accepted_in_words(directory),
        evaluation=evaluation,
        environment=environment_in_words(read_json(directory.environment) or {}),
        metrics=read_metrics(directory.metrics),
        pictures=list(found.values()),
        command=command(record, config, is_shipped=is_shipped(file)),
        command_is_at_home=not is_shipped(file),
        measures=evaluation["measures"],
        other_evaluations=[other for path in directory.other_evaluations if (other := read_json(path))],
        best_step=evaluation["checkpoint_step"],
        certificate=read_json(target.certificate) or read_json(directory.certificate),
    )
    write_bytes(target.report, page.encode())


def environment_in_words(environment: dict[str, Any]) -> dict[str, Any]:
    """The run's `environment.json`, the cost of a step in words and each distribution on a line of its own."""
    count, families = environment.get("flops_per_step"), environment.get("families", {})
    apart = ("flops_per_step", "families", "values", "columns")  # values and columns stand with the data
    rest = {name: value for name, value in environment.items() if name not in apart}
    return rest | families | ({} if count is None else {"training step": in_words(count)})


def write_reconstructions(experiment: Experiment, vae: VAE | Conditional, num: int, split: str, path: Path) -> None:
    """`num` examples of a split and their reconstructions: a PNG of pairs, or a table with a column beside each.

    Raises:
        UsageError: If the file is of the wrong kind.
    """
    examples = experiment.dataset.split(split).examples
    rows = spread(len(examples), num)
    originals = as_seen(experiment.transform, examples, rows)
    if path.suffix.lower() in ROWS:
        check_table(experiment, path)
        to_stored, columns = jax.vmap(experiment.transform.to_stored), experiment.dataset.columns
        stored = condition_and_x(vae, examples[rows])[1]
        before = values_of(columns, np.asarray(stored))
        after = values_of(
            columns, np.asarray(to_stored(generation.reconstruct_rows(vae, originals, classes_of_columns(columns))))
        )
        pairs = ({name: before[name], f"{name} (reconstructed)": after[name]} for name in before)
        write_rows(path, {name: values for pair in pairs for name, values in pair.items()})
        return
    shown, reconstructed = (
        np.asarray(jax.vmap(to_unit(experiment))(images))
        for images in (condition_and_x(vae, originals)[1], generation.reconstruct(vae, originals))
    )
    check_images(experiment, shown.shape[1:])
    save_png(path, pair_grid(shown, reconstructed, num_columns=num_columns(num)))


def to_unit(experiment: Experiment) -> Callable[[Any], Array]:
    """A function from one x, as the model sees or makes it, to the levels of a picture: 0 is black and 1 is white."""
    return lambda x: experiment.dataset.brightness(image_of(experiment.transform.to_stored(x)))


def check_table(experiment: Experiment, path: Path) -> None:
    """Check that the data are a table, whose rows can be written to a file.

    Raises:
        UsageError: If they are not.
    """
    if not experiment.dataset.columns:
        raise UsageError(f"expected a table to write rows to {path}; got images; name a .png file")


def check_images(experiment: Experiment, shape: tuple[int, ...] | None = None) -> None:
    """Check that the data are no table and, where a shape is given, that it is that of an image.

    Raises:
        UsageError: If not.
    """
    if experiment.dataset.columns:
        raise UsageError("expected images to draw; got a table; name a .csv or .parquet file for its rows")
    if shape is not None and not is_image(shape):
        raise UsageError(
            f"expected images, (height, width) or (height, width, 1 or 3), to draw; got examples of {shape}"
        )
