"""A data set in lines of text: its splits, columns and classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vae_jax.data.columns import Column, decode
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.describe import class_counts, numbers_at_each_place, overall

_MAX_CLASSES = 20


def data_lines(dataset: Dataset) -> list[str]:
    """The lines that describe a data set; all of it is read for them."""
    return [
        f"{dataset.name}: {dataset.description}",
        f"an example: {_shape(dataset.train.examples)}{dataset.train.examples.dtype}",
        # The option of an experiment is --data.FIELD, and here --FIELD.
        *([f"values: {dataset.values.replace('--data.', '--')}"] if dataset.values else []),
        "",
        # A mean over all columns together says nothing.
        *(_columns(dataset) if dataset.columns else _splits(dataset)),
        *_classes(dataset),
    ]


def part_lines(dataset: Dataset) -> list[str]:
    """The lines of the parts of an example beside `x`; none where an example is an array alone."""
    parts = getattr(dataset.train.examples, "parts", {})
    others = [f"part {name}: {_shape(part)}{part.dtype}" for name, part in parts.items() if name != "x"]
    return ["", *others] if others else []


def _shape(part: Any) -> str:
    shape = "x".join(map(str, part.shape[1:]))
    return f"{shape}, " if shape else ""


def _splits(dataset: Dataset) -> list[str]:
    rows = [("split", "examples", "min", "max", "mean", "sd")]
    for name, split in dataset.splits.items():
        low, high, mean, deviation = overall(numbers_at_each_place(split.examples))
        scaled = (f"{mean / dataset.unit:.4f}", f"{deviation / dataset.unit:.4f}")
        rows.append((name, _count(split), f"{low:g}", f"{high:g}", *scaled))
    unit = [] if dataset.unit == 1 else [f"mean and sd are of value / {dataset.unit:g}, which models see"]
    return [*_aligned(rows), *unit]


def _columns(dataset: Dataset) -> list[str]:
    counts = [("split", "examples"), *((name, _count(split)) for name, split in dataset.splits.items())]
    rows: list[Sequence[str]] = [("column (train)", "kind", "min", "max", "mean", "sd")]
    of_columns = np.stack(numbers_at_each_place(dataset.train.examples), axis=-1)
    rows += map(_column, dataset.columns, of_columns)
    return [*_aligned(counts), "", *_aligned(rows)]


def _column(column: Column, numbers: np.ndarray) -> Sequence[str]:
    """The name and kind of a column, and its statistics; codes of a category have no mean."""
    low, high, mean, deviation = numbers
    ends = decode(column, np.array([low, high]))
    if column.values:
        return column.name, column.kind, *map(str, ends), "", ""
    if column.kind == "date":
        return column.name, column.kind, *map(str, ends), str(decode(column, mean)), f"{deviation:.4g} days"
    low, high = (f"{value:.4g}" if column.kind == "real" else f"{value}" for value in ends)
    return column.name, column.kind, low, high, f"{mean + column.origin:.4g}", f"{deviation:.4g}"


def _classes(dataset: Dataset) -> list[str]:
    counts = class_counts(dataset)
    if not counts:
        return ["", f"factors: {', '.join(dataset.factor_names)}"] if dataset.factor_names else []
    if len(counts) > _MAX_CLASSES:
        sizes = [sum(of_splits.values()) for of_splits in counts.values()]
        return ["", f"labels: {len(counts)}, with {min(sizes):,} to {max(sizes):,} examples each"]
    rows: list[Sequence[str]] = [("label", *dataset.splits)]
    for label, of_splits in counts.items():
        is_named = 0 <= label < len(dataset.label_names)
        name = f"{label} {dataset.label_names[label]}" if is_named else f"{label}"
        rows.append((name, *(f"{count:,}" for count in of_splits.values())))
    return ["", *_aligned(rows)]


def _count(split: Split) -> str:
    return f"{len(split.examples):,}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with the first column aligned to the left, and the columns of numbers to the right."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths = [max(8, width) for width in others]
    return [
        "  ".join(
            [name.ljust(first), *(value.rjust(width) for value, width in zip(values, widths, strict=True))]
        ).rstrip()
        for name, *values in rows
    ]
