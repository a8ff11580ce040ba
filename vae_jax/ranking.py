"""Runs side by side: what is known of each, and which is best, with errors over seeds. Plain numbers and no JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LOWER_IS_BETTER = {"nll", "bits_per_dim", "kl", "squared_error"}
"""Of the numbers in metrics and evaluations; of all others the greatest is the best."""


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
