"""The numbers by which runs are compared: where they are found, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vae_jax.ranking.record import RunRecord

LOWER_IS_BETTER = {"nll", "bits_per_dim", "kl", "squared_error"}
"""The numbers in metrics and evaluations whose least value is the best; for all others the greatest is."""

NO_METRICS = {"step", "seed", "num_samples", "num_examples", "latent_size", "checkpoint_step"}
"""Numbers of metrics and evaluations that say how something was measured, and not what came out."""


def lower_is_better(metric: str) -> bool:
    """Whether the least value of a metric is the best, as for a loss.

    Example:
        >>> lower_is_better("nll"), lower_is_better("elbo")
        (True, False)
    """
    return metric in LOWER_IS_BETTER


def best_validation(record: RunRecord) -> Mapping[str, Any] | None:
    """The first validation line with the greatest `value`, which training keeps as its best."""
    lines = [line for line in record.metrics if line.get("split") == "validation"]
    return max(
        (line for line in lines if _number(line.get("value")) is not None), key=lambda line: line["value"], default=None
    )


def metric_of(record: RunRecord, name: str) -> float | None:
    """A number by which runs are compared.

    The final evaluation comes first: evaluation.json, which is of the best checkpoint and the test split unless
    `vae-jax evaluate` got other options, and the experiment's own measures in it. A number that is missing there is
    taken from the best validation, so that a run counts from its first validation on, and by its best, not its last.

    Args:
        record: The run.
        name: A key of evaluation.json, of its measures, or of validation lines.

    Returns:
        The number, or None if the run has no finite one.

    Example:
        >>> lines = [{"split": "validation", "value": value, "kl": 1.0} for value in (-9.0, -7.0, -8.0)]
        >>> record = RunRecord("a", {}, lines, {"kl": 2.0, "nll": None}, "finished")
        >>> [metric_of(record, name) for name in ("value", "kl", "nll")]
        [-7.0, 2.0, None]
    """
    return next((number for numbers in _sources(record) if (number := _number(numbers.get(name))) is not None), None)


def split_of(record: RunRecord, name: str) -> str | None:
    """The split of the number that `metric_of` finds; None if it finds no number."""
    *evaluated, validated = _sources(record)
    if any(_number(numbers.get(name)) is not None for numbers in evaluated):
        return (record.evaluation or {}).get("split", "test")
    return None if _number(validated.get(name)) is None else "validation"


def metric_names(records: Iterable[RunRecord]) -> list[str]:
    """The names of all numbers that `metric_of` finds in any record, except standard errors and settings."""
    found = {
        name: None
        for record in records
        for numbers in _sources(record)
        for name, value in numbers.items()
        if _number(value) is not None
    }
    return [name for name in found if name not in NO_METRICS and not name.endswith("_standard_error")]


def default_metric(records: Iterable[RunRecord]) -> str:
    """The default metric of a comparison: the first of nll, elbo and value that all runs have.

    Runs that diverged, or have no number yet, do not count.
    """
    known = [names for record in records if record.state != "diverged" and (names := metric_names([record]))]
    return next((name for name in ("nll", "elbo") if known and all(name in names for names in known)), "value")


def _sources(record: RunRecord) -> Iterator[Mapping[str, Any]]:
    """The mappings in which a metric is looked up, in this order."""
    evaluation = record.evaluation or {}
    yield evaluation
    yield evaluation.get("measures") or {}
    yield best_validation(record) or {}


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None
