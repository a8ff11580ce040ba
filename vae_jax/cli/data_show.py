"""`vae-jax data show`: a data set in numbers, and a picture of some of its examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from vae_jax.cli.commands import check_output
from vae_jax.data.config import DataConfig
from vae_jax.messages import UsageError

if TYPE_CHECKING:
    from vae_jax.data.dataset import Dataset, Split

# What needs JAX is imported inside functions: help and usage errors answer without it.

_MAX_CLASSES = 20


@dataclass(frozen=True)
class Show(DataConfig):
    """Show what a data set holds, as training would have it: numbers, and a picture of some examples."""

    # Said without a flag and, unlike in an experiment, without a default.
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME|PATH")] = dataclasses.field()
    """An embedded set, a prepared TFDS set ('vae-jax data list' names both), or the path of a folder of images or of
    a .npy, .npz, .csv or .parquet file."""
    out: Path | None = None
    """The PNG file. Default: NAME.png in the current folder."""
    num: int = 64
    """Examples in the picture."""

    def run(self) -> int:
        """Print the numbers, and write the picture."""
        check_output(self.out or Path("example.png"), self.num)
        from vae_jax.data import load

        try:
            dataset = load(self)
        except ValueError as error:
            # Hints name the options of an experiment, where the data's are --data.FIELD.
            raise UsageError(str(error).replace("--data.", "--")) from None
        if self.out is not None and not dataset.holds_images:
            raise UsageError(
                f"expected images, (height, width) or (height, width, 1 or 3), to draw; {dataset.name} has examples of "
                f"shape {dataset.example_shape}; leave --out away"
            )
        print("\n".join(lines(dataset)))
        if dataset.holds_images:
            out = self.out or Path(f"{dataset.name}.png")
            _write_picture(dataset, self.num, out)
            print(f"\npicture: {out}")
        return 0


def lines(dataset: Dataset) -> list[str]:
    """What is printed of a data set."""
    shape = "x".join(map(str, dataset.example_shape))
    dtype = dataset.train.examples.dtype
    return [
        f"{dataset.name}: {dataset.description}",
        f"an example: {shape}, {dtype}",
        "",
        *_splits(dataset),
        *_columns(dataset),
        *_classes(dataset),
    ]


def _splits(dataset: Dataset) -> list[str]:
    from vae_jax.data.describe import numbers_at_each_place, overall

    if dataset.columns:
        # Together, numbers of different columns mean nothing.
        return _aligned([("split", "examples"), *((name, _count(split)) for name, split in dataset.splits.items())])
    rows = [("split", "examples", "min", "max", "mean", "sd")]
    for name, split in dataset.splits.items():
        low, high, mean, deviation = overall(numbers_at_each_place(split.examples))
        scaled = (f"{mean / dataset.max_value:.4f}", f"{deviation / dataset.max_value:.4f}")
        rows.append((name, _count(split), f"{low:g}", f"{high:g}", *scaled))
    unit = [] if dataset.max_value == 1 else [f"mean and sd are of value / {dataset.max_value:g}, which models see"]
    return [*_aligned(rows), *unit]


def _columns(dataset: Dataset) -> list[str]:
    if not dataset.columns:
        return []
    from vae_jax.data.describe import numbers_at_each_place

    low, high, mean, deviation = numbers_at_each_place(dataset.train.examples)
    rows = [("column (train)", "min", "max", "mean", "sd")]
    for name, *values in zip(dataset.columns, low, high, mean, deviation, strict=True):
        rows.append((name, *(f"{value:.4g}" for value in values)))
    return ["", *_aligned(rows)]


def _classes(dataset: Dataset) -> list[str]:
    from vae_jax.data.describe import class_counts

    counts = class_counts(dataset)
    if not counts:
        return ["", f"factors: {', '.join(dataset.factor_names)}"] if dataset.factor_names else []
    if len(counts) > _MAX_CLASSES:
        sizes = [sum(of_splits.values()) for of_splits in counts.values()]
        return ["", f"labels: {len(counts)}, with {min(sizes):,} to {max(sizes):,} examples each"]
    rows = [("label", *dataset.splits)]
    for label, of_splits in counts.items():
        is_named = 0 <= label < len(dataset.label_names)
        name = f"{label} {dataset.label_names[label]}" if is_named else f"{label}"
        rows.append((name, *(f"{count:,}" for count in of_splits.values())))
    return ["", *_aligned(rows)]


def _count(split: Split) -> str:
    return f"{len(split.examples):,}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A column of words to the left, the columns of numbers to the right."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths = [max(8, width) for width in others]
    return [
        "  ".join([name.ljust(first), *(value.rjust(width) for value, width in zip(values, widths, strict=True))])
        for name, *values in rows
    ]


def _write_picture(dataset: Dataset, num: int, path: Path) -> None:
    import numpy as np

    from vae_jax.report import image_grid, save_png
    from vae_jax.runs.report import num_columns, spread

    examples = dataset.train.examples
    rows = spread(len(examples), num)
    save_png(path, image_grid(np.asarray(examples[rows]) / dataset.max_value, num_columns=num_columns(len(rows))))
