"""What is known of a run from its files, and which of its fields tell it from others."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple


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
            values.setdefault(name, set()).add(frozen(value))
    return sorted((name for name, found in values.items() if len(found) > 1), key=lambda name: name == "seed")


def frozen(value: Any) -> Hashable:
    """A value of JSON, or of a config, as a key: equal where the values are, whether they are lists or tuples."""
    if isinstance(value, Mapping):
        return frozenset((name, frozen(entry)) for name, entry in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    return value
