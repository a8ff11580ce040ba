"""A run as it shows itself in a notebook, from the files of its directory."""

from __future__ import annotations

from typing import Any

from vae_jax.config.command import changed_fields
from vae_jax.files import read_json
from vae_jax.html import block, line, names_and_values, picture, progress
from vae_jax.report.numbers import headlines
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.evaluation import num_steps as last_step
from vae_jax.training.metrics import read_metrics

_PICTURES = ("reconstructions", "samples")


def run_html(directory: RunDirectory, name: str, config: Any, num_steps: int) -> str:
    """The training, how far it is, what came out, and a few pictures.

    Args:
        directory: The run's directory.
        name: Name of the experiment.
        config: Its `Config`, of which the fields that differ from their defaults are shown.
        num_steps: Number of steps of the whole training.
    """
    done = last_step(read_metrics(directory.metrics))
    evaluation = read_json(directory.evaluation) or {}
    evaluated = f", evaluated on {evaluation['split']}" if "split" in evaluation else ""
    numbers = {headline.name: f"{headline.value} {headline.unit}" for headline in headlines(evaluation)}
    files = [(title, directory.images / f"{title}.png") for title in _PICTURES]
    return block(
        line(f"{name} in {directory.path}", is_strong=True),
        "" if evaluation else progress(done, num_steps),
        line(f"{done:,} of {num_steps:,} steps{evaluated}"),
        names_and_values(changed_fields(config)),
        names_and_values(numbers),
        *map(line, evaluation.get("notes", [])),
        *(picture(file.read_bytes(), title) for title, file in files if file.is_file()),
    )
