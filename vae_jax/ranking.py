"""Runs side by side: what is known of each, and which is best, with errors over seeds. Plain numbers and no JAX."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

LOWER_IS_BETTER = {"nll", "bits_per_dim", "kl", "squared_error"}
"""Of the numbers in metrics and evaluations; of all others the greatest is the best."""

NO_METRICS = {"step", "seed", "num_samples", "num_examples", "latent_size", "checkpoint_step"}
"""Numbers of metrics and evaluations that say how something was measured, and not what came out."""


class RunRecord(NamedTuple):
    """What is known of a run from its files."""

    name: str
    """Of its directory."""
    fields: Mapping[str, Any]
    """Fields of its config by dotted name, `{"beta": 4.0, "data.name": "mnist", "seed": 3}`."""
    metrics: Sequence[Mapping[str, Any]]
    """The lines of metrics.jsonl."""
    evaluation: Mapping[str, Any] | None
    """Its evaluation.json, if there is one yet."""
    state: str
    """"finished", "running", "waiting", "stopped" (early, as a worse one) or "diverged"."""


class OverSeeds(NamedTuple):
    """A number over the seeds that have it."""

    mean: float | None
    """None where no seed has it."""
    standard_error: float | None
    """Of the mean: the standard deviation of one seed, over √(number of seeds). None for fewer than two."""
    num_seeds: int


class Row(NamedTuple):
    """Runs that differ in their seed alone."""

    fields: Mapping[str, Any]
    """What they have in common: all fields but the seed."""
    mean: float | None
    """Of the metric over the seeds that have it and did not diverge; None where there are none."""
    standard_error: float | None
    """Of the mean; None for fewer than two seeds."""
    num_seeds: int
    """How many are in the mean."""
    records: tuple[RunRecord, ...]
    """All of them, those without a value, too; the best first."""
    values: tuple[float | None, ...]
    """The metric of each; None where it is missing or the run diverged."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the runs, the best first."""
        return tuple(record.name for record in self.records)

    @property
    def states(self) -> tuple[str, ...]:
        """Of the runs, the best first."""
        return tuple(record.state for record in self.records)


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


def swept_fields(records: Sequence[RunRecord]) -> list[str]:
    """The names of the fields whose values differ, in their order, the seed last.

    A field that only some records have is among them if it differs between those.

    Example:
        >>> a, b = ({"seed": seed, "beta": 4.0, "hidden_sizes": [size]} for seed, size in ((0, 16), (1, 32)))
        >>> swept_fields([RunRecord("", fields, [], None, "waiting") for fields in (a, b)])
        ['hidden_sizes', 'seed']
    """
    values: dict[str, set[Hashable]] = {}
    for record in records:
        for name, value in record.fields.items():
            values.setdefault(name, set()).add(_frozen(value))
    return sorted((name for name, found in values.items() if len(found) > 1), key=lambda name: name == "seed")


def rank(records: Sequence[RunRecord], metric: str) -> list[Row]:
    """Runs in rows, the best row first.

    Records that are equal in all fields but `seed` are one row. Rows without a value come last: all their runs have
    diverged or lack the metric. Equal rows stay in the order of their first records.

    Args:
        records: The runs.
        metric: What `metric_of` finds.

    Example:
        >>> def record(beta, seed, nll):
        ...     return RunRecord(f"{beta}-{seed}", {"beta": beta, "seed": seed}, [], {"nll": nll}, "finished")
        >>> rows = rank([record(1.0, 0, 90.0), record(4.0, 0, 85.0), record(4.0, 1, 83.0)], "nll")
        >>> [(row.fields, row.mean, row.standard_error, row.names) for row in rows]
        [({'beta': 4.0}, 84.0, 1.0, ('4.0-1', '4.0-0')), ({'beta': 1.0}, 90.0, None, ('1.0-0',))]
    """
    of_row: dict[Hashable, list[RunRecord]] = {}
    for record in records:
        of_row.setdefault(_frozen(_without_seed(record)), []).append(record)
    return sorted((_row(same, metric) for same in of_row.values()), key=lambda row: _order(row.mean, metric))


def over_seeds(records: Iterable[RunRecord], metric: str) -> OverSeeds:
    """Mean and standard error of a metric over the seeds of records that have it and did not diverge.

    Repetitions of one seed are one seed: they would make the error look smaller than it is.
    """
    of_seed: dict[Hashable, list[float]] = {}
    for record in records:
        if (value := _value(record, metric)) is not None:
            of_seed.setdefault(_frozen(record.fields.get("seed")), []).append(value)
    return mean_and_standard_error([math.fsum(values) / len(values) for values in of_seed.values()])


def mean_and_standard_error(values: Sequence[float]) -> OverSeeds:
    """Mean of some numbers, one a seed, and its standard error √(Σᵢ (xᵢ − x̄)² / (n (n − 1))).

    Example:
        >>> mean_and_standard_error([1.0, 2.0, 3.0, 6.0])
        OverSeeds(mean=3.0, standard_error=1.0801234497346435, num_seeds=4)
    """
    num = len(values)
    if not num:
        return OverSeeds(None, None, 0)
    mean = math.fsum(values) / num
    if num == 1:
        return OverSeeds(mean, None, 1)
    return OverSeeds(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (num * (num - 1))), num)


def _row(records: Sequence[RunRecord], metric: str) -> Row:
    records = sorted(records, key=lambda record: _order(_value(record, metric), metric))
    values = tuple(_value(record, metric) for record in records)
    return Row(_without_seed(records[0]), *over_seeds(records, metric), records=tuple(records), values=values)


def _without_seed(record: RunRecord) -> dict[str, Any]:
    return {name: value for name, value in record.fields.items() if name != "seed"}


def _value(record: RunRecord, metric: str) -> float | None:
    # The last that a diverged run was evaluated to says nothing about its settings: they lead to no model.
    return None if record.state == "diverged" else metric_of(record, metric)


def _order(value: float | None, metric: str) -> tuple[bool, float]:
    if value is None:
        return True, 0.0
    return False, value if lower_is_better(metric) else -value


def _sources(record: RunRecord) -> Iterable[Mapping[str, Any]]:
    """Where a metric is looked for, one after another."""
    evaluation = record.evaluation or {}
    return evaluation, evaluation.get("measures") or {}, best_validation(record) or {}


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None


def _frozen(value: Any) -> Hashable:
    """A value of JSON, or of a config, as a key: equal where the values are, whether they are lists or tuples."""
    if isinstance(value, Mapping):
        return frozenset((name, _frozen(entry)) for name, entry in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value
