"""The mean of a number over the seeds of otherwise equal runs, and its standard error."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from vae_jax.ranking.metrics import metric_of
from vae_jax.ranking.record import RunRecord, frozen


class OverSeeds(NamedTuple):
    """The mean of a number over the seeds that have it, and its standard error."""

    mean: float | None
    """Mean over the seeds; None if no seed has the number."""
    standard_error: float | None
    """Standard error of the mean: deviation between seeds over √(number of seeds). None for fewer than two seeds."""
    num_seeds: int


def over_seeds(records: Iterable[RunRecord], metric: str) -> OverSeeds:
    """Mean and standard error of a metric over the seeds of records that have it and did not diverge.

    Repetitions of a seed are averaged first: as seeds of their own they would make the error look smaller than it is.
    """
    of_seed: dict[Hashable, list[float]] = {}
    for record in records:
        if (value := value_of(record, metric)) is not None:
            of_seed.setdefault(frozen(record.fields.get("seed")), []).append(value)
    return mean_and_standard_error([math.fsum(values) / len(values) for values in of_seed.values()])


def mean_and_standard_error(values: Sequence[float]) -> OverSeeds:
    """Mean of numbers, one for each seed, and its standard error √(Σᵢ (xᵢ − x̄)² / (n (n − 1))).

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


def value_of(record: RunRecord, metric: str) -> float | None:
    """The metric of a run; None for a diverged run, whose settings lead to no model."""
    return None if record.state == "diverged" else metric_of(record, metric)
