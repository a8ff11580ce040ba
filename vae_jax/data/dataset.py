"""A data set: examples in named splits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from vae_jax.data.columns import Column
from vae_jax.data.examples import ArrayLike, chunks, examples_of, in_memory, is_together, of_parts, part_of
from vae_jax.data.fingerprint import fingerprint
from vae_jax.data.values import UnknownMaximum
from vae_jax.messages import UsageError, did_you_mean

_MAX_LISTED = 40


class Split(NamedTuple):
    """Some examples, as stored, and their labels if they have any."""

    examples: Any
    """(num, *example_shape): an array, or whatever is indexed like one; or a pytree of them, such as a dict of `x` and
    `condition`, where an example has several parts."""
    labels: ArrayLike | None = None
    """(num,), integers; or (num, factors) where the factors that made an example are known."""

    def part(self, rows: range | np.ndarray) -> Split:
        """Some rows of the split."""
        return Split(part_of(self.examples, rows), None if self.labels is None else part_of(self.labels, rows))


@dataclass(frozen=True, repr=False)
class Dataset:
    """Examples in named splits, as stored; a `Transform` determines what a model sees of them.

    Args:
        name: Name of the data set.
        description: What the data are, where they come from and how they were split, in one sentence.
        splits: The splits "train", "validation" and "test"; they have other names before they are arranged.
        max_value: The largest value that can be stored, which scaling maps to 1; an `UnknownMaximum` of measurements.
        columns: The entries of an example, where it is a row of a table; a name alone stands for real numbers.
        label_names: Names of the labels 0, 1, and so on.
        factor_names: Names of the columns of the labels, where these are factors.
        is_streamed: Whether batches are read from where the examples are stored, rather than kept on the device.
        num_workers: Number of processes that read a stream; 0 means threads.
        values: What was assumed of the values, in words; "" where their source states it.
        drawn: The splits that were drawn from the training split, since the data have none of their own.

    Raises:
        ValueError: If a split is empty, or the examples of two splits differ in shape or type.

    Example:
        >>> images, labels = np.zeros((10, 28, 28), np.uint8), np.arange(10)
        >>> own = Dataset("own", "black images", {"train": Split({"x": images, "condition": labels}, labels)}, 255)
        >>> own.example_shape, own.part("x").example_shape
        ({'condition': (), 'x': (28, 28)}, (28, 28))
    """

    name: str
    description: str
    splits: Mapping[str, Split]
    max_value: float
    columns: tuple[Column, ...] = ()
    label_names: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()
    is_streamed: bool = field(default=False, kw_only=True)
    num_workers: int = field(default=0, kw_only=True)
    values: str = field(default="", kw_only=True)
    drawn: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        splits = {name: Split(examples_of(examples), labels) for name, (examples, labels) in self.splits.items()}
        object.__setattr__(self, "splits", splits)
        columns = (Column(column) if isinstance(column, str) else column for column in self.columns)
        object.__setattr__(self, "columns", tuple(columns))
        first = next(iter(splits.values())).examples
        for name, (examples, labels) in splits.items():
            if len(examples) == 0:
                raise ValueError(f"expected examples in split '{name}' of {self.name}; got none")
            if (found := _shape_and_type(examples)) != (expected := _shape_and_type(first)):
                raise ValueError(
                    f"expected examples of shape {expected[0]} and type {expected[1]} in every split of {self.name}; "
                    f"got {found[0]} and {found[1]} in '{name}'"
                )
            if labels is not None and len(labels) != len(examples):
                raise ValueError(
                    f"expected one label for each of the {len(examples)} examples in split '{name}' of {self.name}; "
                    f"got {len(labels)}"
                )

    def __repr__(self) -> str:
        sizes = " + ".join(f"{len(split.examples):,} {name}" for name, split in self.splits.items())
        return f"Dataset({self.name!r}, {sizes}, {self.examples_in_words()})"

    def _repr_html_(self) -> str:
        from vae_jax.data.shown import dataset_html

        return dataset_html(self)

    def split(self, name: str) -> Split:
        """A split by its name.

        Raises:
            UsageError: If there is no split of that name.
        """
        if name not in self.splits:
            hint = did_you_mean(name, self.splits)
            raise UsageError(f"expected a split of {self.name} ({', '.join(self.splits)}); got '{name}'{hint}")
        return self.splits[name]

    @property
    def train(self) -> Split:
        """The split "train"."""
        return self.split("train")

    @property
    def example_shape(self) -> Any:
        """The shape of one example, or a pytree of the shapes of its parts."""
        return of_parts(_shape, next(iter(self.splits.values())).examples)

    def examples_in_words(self) -> str:
        """The shape and the type of an example, `28x28 uint8`, or of each of its parts by name."""
        examples = next(iter(self.splits.values())).examples
        parts = getattr(examples, "parts", None)
        if isinstance(parts, Mapping):
            return ", ".join(f"{name}: {_in_words(part)}" for name, part in parts.items())
        return str(of_parts(_in_words, examples))

    @property
    def num_classes(self) -> int:
        """The number of classes: that of the labels' names, or the largest training label plus one.

        Raises:
            ValueError: If there are no labels, or they are factors.
        """
        labels = self.train.labels
        if labels is None or len(labels.shape) > 1:
            got = "none" if labels is None else "factors"
            raise ValueError(f"expected labels of classes in {self.name}; got {got}; name them with --data.labels")
        return len(self.label_names) or int(np.max(labels[: len(labels)])) + 1

    @property
    def holds_images(self) -> bool:
        """Whether an example can be drawn: (height, width) or (height, width, 1 or 3), and not a row of a table."""
        is_one = not is_together(next(iter(self.splits.values())).examples)
        return is_one and not self.columns and is_image(self.example_shape)

    def part(self, name: str) -> Dataset:
        """The data set with a single part of its examples, from which means and starting values are computed.

        Raises:
            ValueError: If the examples have no part of that name.
        """
        parts = getattr(self.train.examples, "parts", None)
        if not isinstance(parts, Mapping) or name not in parts:
            known = ", ".join(parts) if isinstance(parts, Mapping) else "an array alone"
            raise ValueError(f"expected a part of the examples of {self.name} ({known}); got '{name}'")
        return replace(
            self, splits={key: Split(split.examples.parts[name], split.labels) for key, split in self.splits.items()}
        )

    @property
    def unit(self) -> float:
        """The stored value that becomes 1; 1 where that is not known, and values are kept as they are."""
        return 1.0 if isinstance(self.max_value, UnknownMaximum) else self.max_value

    def brightness(self, stored: Any) -> Any:
        """Stored values as the levels of a picture: 0 is black and 1 is white."""
        if isinstance(self.max_value, UnknownMaximum):
            low, high = self.max_value.low, self.max_value.high
            return (stored - low) / max(high - low, np.finfo(np.float32).tiny)
        return stored / self.max_value

    def scaled(self, split: str = "train") -> np.ndarray:
        """The examples of a split as float32 in [0, 1], from which closed forms and starting values are computed."""
        return in_memory(self.split(split).examples).astype(np.float32) / self.unit

    def matrix(self, split: str = "train") -> np.ndarray:
        """`scaled`, each example flattened to a row: (num, d)."""
        scaled = self.scaled(split)
        return scaled.reshape(len(scaled), -1)

    def mean(self, max_examples: int = 50_000) -> np.ndarray:
        """The mean training example, scaled to [0, 1]; `max_examples` as of `stored_mean`."""
        return (self._mean(max_examples) / self.unit).astype(np.float32)

    def stored_mean(self, max_examples: int = 50_000) -> np.ndarray:
        """The mean training example, in units of the stored values.

        Args:
            max_examples: Number of examples that are averaged, evenly spread, where the set is larger.
        """
        return self._mean(max_examples).astype(np.float32)

    def deviation(self, max_examples: int = 5_000) -> float:
        """The standard deviation of a value from that of the mean training example, scaled to [0, 1].

        It is the error of a model that knows no more than the mean: √ of the mean of (x − x̄)² over examples and values.

        Args:
            max_examples: Number of examples that are read, evenly spread, where the set is larger.
        """
        mean = self._mean(max_examples)
        examples, size = self._some(max_examples), max(1, 2**20 // max(1, mean.size))
        squares = sum(float(((chunk - mean) ** 2).sum()) for chunk in chunks(examples, size))
        return math.sqrt(squares / (len(examples) * mean.size)) / self.unit

    def _some(self, max_examples: int) -> Any:
        examples = self.train.examples
        if len(examples) <= max_examples:
            return examples
        return part_of(examples, np.linspace(0, len(examples) - 1, max_examples).astype(np.int64))

    def _mean(self, max_examples: int) -> np.ndarray:
        examples = self._some(max_examples)
        total = sum((chunk.sum(axis=0, dtype=np.float64) for chunk in chunks(examples)), np.zeros(self.example_shape))
        return total / len(examples)

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """Statements about the data, name -> words, that differ for other data; a bounded number of rows is read."""
        return fingerprint(self)

    def summary(self) -> dict[str, Any]:
        """The entries of a report about the data."""
        return {
            "name": self.name,
            "description": self.description,
            **({"values": self.values} if self.values else {}),
            "example_shape": of_parts(lambda part: list(_shape(part)), self.train.examples),
            "num_examples": {name: len(split.examples) for name, split in self.splits.items()},
            **({"columns": listed([column.in_words() for column in self.columns])} if self.columns else {}),
            **({"classes": listed(self.label_names)} if self.label_names else {}),
        }


def listed(names: Sequence[str], most: int = _MAX_LISTED) -> list[str]:
    """The first names, and the number of the others."""
    rest = len(names) - most
    return [*names[:most], *([f"and {rest:,} more"] if rest > 0 else [])]


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether an array of a shape can be drawn: (height, width) or (height, width, 1 or 3)."""
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3))


def _shape(part: Any) -> tuple[int, ...]:
    return tuple(part.shape[1:])


def _in_words(part: Any) -> str:
    return f"{'x'.join(map(str, _shape(part)))} {part.dtype}".strip()


def _shape_and_type(examples: Any) -> tuple[Any, Any]:
    return of_parts(_shape, examples), of_parts(lambda part: str(part.dtype), examples)
