"""The numbers by which runs are compared: where they are found, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vae_jax.ranking.record import RunRecord

LOWER_IS_BETTER = {"nll", "bits_per_dim", "kl", "squared_error"}
"""Of the numbers in metrics and evaluations; of all others the greatest is the best."""

NO_METRICS = {"step", "seed", "num_samples", "num_examples", "latent_size", "checkpoint_step"}
"""Numbers of metrics and evaluations that say how something was measured, and not what came out."""


def lower_is_better(metric: str) -> bool:
    """Whether the least is the best, as of a loss.

    Example:
        >>> lower_is_better("nll"), lower_is_better("elbo")
        (True, False)
    """
    return metric in LOWER_IS_BETTER


def best_validation(record: RunRecord) -> Mapping[str, Any] | None:
    """The validation line of the greatest `value`, the first of them: what training keeps as its best."""
    lines = [line for line in record.metrics if line.get("split") == "validation"]
    return max(
        (line for line in lines if _number(line.get("value")) is not None), key=lambda line: line["value"], default=None
    )


def metric_of(record: RunRecord, name: str) -> float | None:
    """A number by which runs are compared.

    What was evaluated in the end comes first: evaluation.json, which is of the best checkpoint and the test split
    unless `vae-jax evaluate` was told otherwise, and the experiment's own measures in it. What is not there is taken
    from the best validation, so that a run counts from its first validation on, and by its best moment, not its last.

    Args:
        record: The run.
        name: A key of evaluation.json, of its measures, or of validation lines.

    Returns:
        The number, or None where there is none, or none that is finite.

    Example:
        >>> lines = [{"split": "validation", "value": value, "kl": 1.0} for value in (-9.0, -7.0, -8.0)]
        >>> record = RunRecord("a", {}, lines, {"kl": 2.0, "nll": None}, "finished")
        >>> [metric_of(record, name) for name in ("value", "kl", "nll")]
        [-7.0, 2.0, None]
    """
    return next((number for numbers in _sources(record) if (number := _number(numbers.get(name))) is not None), None)


def split_of(record: RunRecord, name: str) -> str | None:
    """The split that `metric_of` has its number from; None where there is no number."""
    *evaluated, validated = _sources(record)
    if any(_number(numbers.get(name)) is not None for numbers in evaluated):
        return (record.evaluation or {}).get("split", "test")
    return None if _number(validated.get(name)) is None else "validation"


def metric_names(records: Iterable[RunRecord]) -> list[str]:
    """The names of all numbers that `metric_of` finds in any of them, but for standard errors and settings."""
    found = {
        name: None
        for record in records
        for numbers in _sources(record)
        for name, value in numbers.items()
        if _number(value) is not None
    }
    return [name for name in found if name not in NO_METRICS and not name.endswith("_standard_error")]


def default_metric(records: Iterable[RunRecord]) -> str:
    """What runs are compared by where nobody says: the first of nll, elbo and value that all of them have.

    Those that diverged, or have no number yet, have no say.
    """
    known = [names for record in records if record.state != "diverged" and (names := metric_names([record]))]
    return next((name for name in ("nll", "elbo") if known and all(name in names for names in known)), "value")


def _sources(record: RunRecord) -> Iterator[Mapping[str, Any]]:
    """Where a metric is looked for, one after another."""
    evaluation = record.evaluation or {}
    yield evaluation
    yield evaluation.get("measures") or {}
    yield best_validation(record) or {}


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None
