"""Python objects as data sets: any object with a length that returns its items by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np

from vae_jax.data.channels import check_channels_last
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import ArrayLike
from vae_jax.data.files.labels import label_ids
from vae_jax.data.place import place
from vae_jax.data.splits import arrange
from vae_jax.messages import UsageError


class Indexable(Protocol):
    """A list of arrays, a dataset in the style of PyTorch, an HDF5 dataset: anything with a length and items."""

    def __len__(self) -> int:
        """The number of items."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """An example, or a tuple of an example and its label."""
        ...


class Items:
    """The items of an object, or one entry of each, indexed like an array and read when rows are asked for.

    Args:
        items: The object. Worker processes read it if it can be pickled.
        name: Name of the object in errors.
        entry: The entry that is read, where an item is a tuple or a dict; None where the item is the example itself.

    Raises:
        ValueError: If the first item holds no numbers.
    """

    def __init__(self, items: Indexable, name: str, entry: int | str | None = None) -> None:
        self.items = items
        self.name = name
        self.entry = entry
        first = self._item(0)
        self.shape = (len(items), *first.shape)
        self.dtype = _kept_type(first.dtype, f"item 0 of {name}")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        chosen = np.arange(len(self))[rows].tolist()
        result = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        for position, index in enumerate(chosen):
            item = self._item(index)
            if item.shape != self.shape[1:] or not np.can_cast(item.dtype, self.dtype, "same_kind"):
                raise UsageError(
                    f"expected every item of {self.name} to be like item 0, {self.dtype} of shape {self.shape[1:]}; "
                    f"item {index} is {item.dtype} of shape {item.shape}"
                )
            result[position] = item
        return result

    def _item(self, index: int) -> np.ndarray:
        item = self.items[index]
        return np.asarray(item if self.entry is None else item[self.entry])


def from_object(
    examples: Indexable | Mapping[str, Indexable],
    *,
    labels: Any = None,
    name: str = "own",
    max_value: float | None = None,
    description: str = "data from a Python object",
    feed: Literal["auto", "memory", "stream"] = "auto",
    num_workers: int = 0,
) -> Dataset:
    """Data that Python code holds or makes, ready for an `Experiment`.

    Args:
        examples: An array, (num, *example_shape), or anything with a length and items, each an array of one shape, a
            tuple of such an array and its label, or a dict of arrays, the parts of an example; or split name -> such
            an object, or a dict of arrays. A single split is divided, and missing splits are made, as by
            `vae_jax.data.load`.
        labels: (num,) whole numbers or words, unless the items bring them; or split name -> such labels.
        name: Name of the data in reports.
        max_value: The largest value that can be stored, which scaling maps to 1. Default: 255 for whole numbers, 1
            for others; of several parts, `x` or else the first decides.
        description: What the data are, in a sentence.
        feed: Keep the examples on the device, or stream batches from the object; "auto" decides by their size.
        num_workers: Number of processes that read a stream; 0 means threads.

    Raises:
        ValueError: If an object has no length or no items, or holds anything but arrays of numbers of one shape.

    Example:
        >>> images = [np.full((8, 8), level, np.uint8) for level in range(20)]
        >>> {split: len(part.examples) for split, part in from_object(images).splits.items()}
        {'train': 16, 'validation': 2, 'test': 2}
    """
    objects = examples if isinstance(examples, Mapping) else {"train": examples}
    splits = {
        split: _split(items, name if len(objects) == 1 else f"{name}[{split!r}]") for split, items in objects.items()
    }
    label_names: tuple[str, ...] = ()
    if labels is not None:
        given = labels if isinstance(examples, Mapping) else {"train": labels}
        if not isinstance(given, Mapping) or not given.keys() <= splits.keys():
            raise ValueError(f"expected labels= by the names of splits, {', '.join(splits)}, as the examples are")
        ids, label_names = label_ids({split: np.asarray(values) for split, values in given.items()}, "labels=")
        splits = {split: Split(stored.examples, ids.get(split)) for split, stored in splits.items()}
    if max_value is None:
        first = next(iter(splits.values())).examples
        scaled = first.get("x", next(iter(first.values()))) if isinstance(first, Mapping) else first
        max_value = 1 if scaled.dtype.kind == "f" else 255
    dataset = Dataset(name, description, splits, max_value, label_names=label_names)
    check_channels_last(dataset)
    return place(arrange(dataset), feed, num_workers)


def _split(items: Any, name: str) -> Split:
    if isinstance(items, Mapping):
        return Split({part: _examples(of_part, f"{name}[{part!r}]") for part, of_part in items.items()})
    _check_indexable(items, name)
    is_array, first = isinstance(items, np.ndarray), items[0]
    if not is_array and isinstance(first, Mapping):
        return Split({part: Items(items, f"{name}, part {part!r}", part) for part in first})
    examples = _examples(items, name)
    if len(examples.shape) < 2:
        raise ValueError(f"expected the items of {name} to be arrays; item 0 is a single number; give arrays")
    return Split(examples, None if is_array or not isinstance(first, tuple) else _labels(items, name))


def _examples(items: Any, name: str) -> ArrayLike:
    _check_indexable(items, name)
    if isinstance(items, np.ndarray):
        return items.astype(_kept_type(items.dtype, name), copy=False)
    return Items(items, name, 0 if isinstance(items[0], tuple) else None)


def _check_indexable(items: Any, name: str) -> None:
    if not hasattr(items, "__len__") or not hasattr(items, "__getitem__"):
        raise ValueError(
            f"expected {name} to have len() and items by number; got a {type(items).__name__}; make a list of it"
        )
    if len(items) == 0:
        raise ValueError(f"expected items in {name}; got an empty {type(items).__name__}")


def _labels(items: Indexable, name: str) -> ArrayLike:
    labels = Items(items, f"the labels of {name}", 1)
    if labels.dtype.kind == "f":
        raise ValueError(
            f"expected whole numbers as labels of {name}; item 0 has {labels.items[0][1]!r}; give (example, label)"
        )
    return labels


def _kept_type(dtype: np.dtype, name: str) -> np.dtype:
    if dtype.kind not in "biuf":
        raise ValueError(f"expected numbers in {name}; got {dtype}; give arrays of uint8 or float32")
    if dtype.kind == "f":
        return np.dtype(np.float32)
    return np.dtype(np.uint8 if dtype.itemsize == 1 and dtype.kind in "bu" else np.int32)
