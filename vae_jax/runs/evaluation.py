"""A run's evaluations: what they hold, and the file of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vae_jax.experiment import Experiment
from vae_jax.training.metrics import plain
from vae_jax.types import Params


def evaluation(
    experiment: Experiment,
    result: dict[str, Any],
    params: Params,
    split: str,
    selection: dict[str, Any],
    metrics: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The contents of an `evaluation.json`.

    Args:
        experiment: The experiment that was evaluated.
        result: The result of `vae_jax.evaluation.evaluate`.
        params: The parameters that were evaluated.
        split: The split that they were evaluated on.
        selection: The checkpoint that they are from, and the rule that selected it.
        metrics: The lines of the run's metrics file.
    """
    about = {"data": experiment.dataset.name, "split": split, "transform": experiment.transform.name}
    measures = dict(experiment.measures(params)) if experiment.measures else {}
    trained = {"num_steps": num_steps(metrics), "num_skipped": num_skipped(metrics)}
    notes = [*result["notes"], *notes_on_training(metrics, selection["checkpoint_step"])]
    return plain(about | selection | trained | result | {"measures": measures, "notes": notes})


def file_name(split: str, num_samples: int, select: str, *, usual_samples: int, proposal: str = "encoder") -> str:
    """The name of the file of an evaluation: each has its own, so that none replaces another.

    Example:
        >>> file_name("test", 1000, "best", usual_samples=1000), file_name("test", 5000, "best", usual_samples=1000)
        ('evaluation.json', 'evaluation-test-5000.json')
        >>> file_name("validation", 1000, "latest", usual_samples=1000)
        'evaluation-validation-1000-latest.json'
    """
    if (split, num_samples, select, proposal) == ("test", usual_samples, "best", "encoder"):
        return "evaluation.json"
    others = [proposal] * (proposal != "encoder") + [select] * (select != "best")
    return "-".join(["evaluation", split, f"{num_samples}", *others]) + ".json"


def num_steps(metrics: Sequence[Mapping[str, Any]]) -> int:
    """The step of the last line of metrics, 0 without any."""
    return max((line["step"] for line in metrics), default=0)


def num_skipped(metrics: Sequence[Mapping[str, Any]]) -> int:
    """Number of training steps that were skipped: something in them was not finite, or their gradient too long."""
    return max((line["num_skipped"] for line in metrics if line["split"] == "train"), default=0)


def has_diverged(metrics: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last validation had no finite value."""
    values = [line["value"] for line in metrics if line["split"] == "validation"]
    return bool(values) and values[-1] is None


def notes_on_training(metrics: Sequence[Mapping[str, Any]], checkpoint_step: int) -> list[str]:
    """Sentences about a training that a reader of its numbers has to know, none for one that went well.

    Args:
        metrics: The lines of the run's metrics file.
        checkpoint_step: The step of the parameters that are evaluated.
    """
    notes = []
    steps, skipped = num_steps(metrics), num_skipped(metrics)
    if has_diverged(metrics):
        notes.append(f"the run has diverged: its last validation, at step {steps:,}, had no finite value")
    if skipped:
        notes.append(
            f"{skipped:,} of {steps:,} training steps were skipped: their value, gradient or update was not finite, "
            "or the gradient too long"
        )
    if checkpoint_step == 0 < steps:
        notes.append("these are the numbers of the untrained start: no validation of the training was better")
    return notes
