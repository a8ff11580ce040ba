"""The record of a run, read from its files, and the fields in which runs differ."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple


class RunRecord(NamedTuple):
    """The data of a run, read from its files."""

    name: str
    """Name of the run's directory."""
    fields: Mapping[str, Any]
    """Fields of the run's config by dotted name, `{"beta": 4.0, "data.name": "mnist", "seed": 3}`."""
    metrics: Sequence[Mapping[str, Any]]
    """The lines of metrics.jsonl."""
    evaluation: Mapping[str, Any] | None
    """The run's evaluation.json; None if the run is not evaluated yet."""
    state: str
    """One of "finished", "running", "waiting", "stopped" (early, since others did better) and "diverged"."""


def swept_fields(records: Sequence[RunRecord]) -> list[str]:
    """The names of the fields whose values differ, in their order, the seed last.

    A field that only some records have is named if its values differ between those records.

    Example:
        >>> a, b = ({"seed": seed, "beta": 4.0, "hidden_sizes": [size]} for seed, size in ((0, 16), (1, 32)))
        >>> swept_fields([RunRecord("", fields, [], None, "waiting") for fields in (a, b)])
        ['hidden_sizes', 'seed']
    """
    values: dict[str, set[Hashable]] = {}
    for record in records:
        for name, value in record.fields.items():
            values.setdefault(name, set()).add(frozen(value))
    return sorted((name for name, found in values.items() if len(found) > 1), key=lambda name: name == "seed")


def frozen(value: Any) -> Hashable:
    """A value of JSON, or of a config, as a hashable key: equal values have equal keys, be they lists or tuples."""
    if isinstance(value, Mapping):
        return frozenset((name, frozen(entry)) for name, entry in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    return value
