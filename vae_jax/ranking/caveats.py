"""Reasons not to compare the numbers of some runs: they are of other data, or of another kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from vae_jax.ranking.metrics import split_of
from vae_jax.ranking.record import RunRecord
from vae_jax.ranking.seeds import value_of


def caveats(records: Sequence[RunRecord], metric: str) -> list[str]:
    """The reasons to compare the metric of these runs with care, one line each; none if the runs are alike.

    Args:
        records: The runs; those without a value are ignored.
        metric: The number by which the runs are compared.

    Example:
        >>> runs = [RunRecord(split, {"data.name": "digits"}, [], {"nll": 1.0, "split": split}, "finished")
        ...         for split in ("test", "train", "test")]
        >>> caveats(runs, "nll")
        ['nll is of different examples: digits, test split (2 runs); digits, train split (1 run)']
    """
    compared = [record for record in records if value_of(record, metric) is not None]
    evaluations = [record.evaluation for record in compared if record.evaluation]
    found = [
        _difference(f"{metric} is of different examples", _examples(compared, metric)),
        _difference("examples are seen through different transforms", _values(evaluations, "transform")),
    ]
    if metric in ("nll", "bits_per_dim"):
        counts = [f"{num:,}" for num in _values(evaluations, "num_samples")]
        found.append(_difference(f"{metric} is estimated with different numbers of importance samples", counts))
    if metric == "value":
        kinds = [
            "no bound" if evaluation["elbo"] is None else "a bound"
            for evaluation in evaluations
            if "elbo" in evaluation
        ]
        found.append(_difference("value is of different kinds", kinds))
    return [line for line in found if line]


def _examples(records: Sequence[RunRecord], metric: str) -> list[str]:
    """For each record, in words, the examples that its number was measured on."""
    # A run that is not yet evaluated does not name its data; an evaluated run of the same experiment does.
    of_experiment = {
        record.fields.get("experiment"): record.evaluation["data"]
        for record in records
        if record.evaluation and "data" in record.evaluation
    }
    return [_examples_of(record, metric, of_experiment) for record in records]


def _examples_of(record: RunRecord, metric: str, of_experiment: dict[Any, str]) -> str:
    fields, experiment = record.fields, record.fields.get("experiment")
    split = split_of(record, metric)
    data = fields.get("data.name") or (record.evaluation or {}).get("data") or of_experiment.get(experiment)
    parts = [data or f"data of {experiment}", f"{split} split"]
    # By default, a validation split is a part of the training split.
    spec = fields.get(f"data.{split}") or (split == "validation" and fields.get("data.train"))
    if spec:
        parts.append(f"{spec}")
    parts += [
        f"{name} {value}"
        for name in ("examples", "image_size", "colour")
        if (value := fields.get(f"data.{name}")) not in (None, "", "stored")
    ]
    if split != "validation" and record.evaluation and "num_examples" in record.evaluation:
        parts.append(f"{record.evaluation['num_examples']:,} examples")
    return ", ".join(parts)


def _values(evaluations: Sequence[Any], name: str) -> list[Any]:
    return [evaluation[name] for evaluation in evaluations if evaluation.get(name) is not None]


def _difference(about: str, values: Sequence[str]) -> str:
    """A line that counts the values, or an empty string if they are alike."""
    counts = Counter(values)
    if len(counts) < 2:
        return ""
    return f"{about}: " + "; ".join(f"{value} ({num} run{'s' * (num > 1)})" for value, num in counts.items())
