"""Rows of runs that differ in their seed alone, the best row first."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from vae_jax.ranking.metrics import lower_is_better
from vae_jax.ranking.record import RunRecord, frozen
from vae_jax.ranking.seeds import over_seeds, value_of


class Row(NamedTuple):
    """Runs that differ in their seed alone."""

    fields: Mapping[str, Any]
    """The fields that the runs share: all but the seed."""
    mean: float | None
    """Mean of the metric over the seeds that have it and did not diverge; None if there are no such seeds."""
    standard_error: float | None
    """Standard error of the mean; None for fewer than two seeds."""
    num_seeds: int
    """Number of seeds in the mean."""
    records: tuple[RunRecord, ...]
    """All runs, including those without a value, the best first."""
    values: tuple[float | None, ...]
    """The metric of each run; None if it is missing or the run diverged."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the runs, the best first."""
        return tuple(record.name for record in self.records)

    @property
    def states(self) -> tuple[str, ...]:
        """States of the runs, the best first."""
        return tuple(record.state for record in self.records)


def rank(records: Sequence[RunRecord], metric: str) -> list[Row]:
    """Group runs into rows, the best row first.

    Records that are equal in all fields but `seed` form one row. Rows without a value come last: all their runs have
    diverged or lack the metric. Equal rows stay in the order of their first records.

    Args:
        records: The runs.
        metric: A number that `metric_of` finds.

    Example:
        >>> def record(beta, seed, nll):
        ...     return RunRecord(f"{beta}-{seed}", {"beta": beta, "seed": seed}, [], {"nll": nll}, "finished")
        >>> rows = rank([record(1.0, 0, 90.0), record(4.0, 0, 85.0), record(4.0, 1, 83.0)], "nll")
        >>> [(row.fields, row.mean, row.standard_error, row.names) for row in rows]
        [({'beta': 4.0}, 84.0, 1.0, ('4.0-1', '4.0-0')), ({'beta': 1.0}, 90.0, None, ('1.0-0',))]
    """
    of_row: dict[Hashable, list[RunRecord]] = {}
    for record in records:
        of_row.setdefault(frozen(_without_seed(record)), []).append(record)
    return sorted((_row(same, metric) for same in of_row.values()), key=lambda row: _order(row.mean, metric))


def _row(records: Sequence[RunRecord], metric: str) -> Row:
    records = sorted(records, key=lambda record: _order(value_of(record, metric), metric))
    values = tuple(value_of(record, metric) for record in records)
    return Row(_without_seed(records[0]), *over_seeds(records, metric), records=tuple(records), values=values)


def _without_seed(record: RunRecord) -> dict[str, Any]:
    return {name: value for name, value in record.fields.items() if name != "seed"}


def _order(value: float | None, metric: str) -> tuple[bool, float]:
    if value is None:
        return True, 0.0
    return False, value if lower_is_better(metric) else -value
