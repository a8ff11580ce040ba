"""Python objects as data sets: any object with a length that returns its items by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

import numpy as np

from vae_jax.data.channels import check_channels_last
from vae_jax.data.columns import Column
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import ArrayLike, in_memory, num_bytes
from vae_jax.data.files.labels import label_ids
from vae_jax.data.foreign import array_of, columns_of_frame, is_frame, is_whole_array, labels_of
from vae_jax.data.named_parts import part_type
from vae_jax.data.place import place, streams
from vae_jax.data.splits import arrange
from vae_jax.data.typed import Typed, typed
from vae_jax.data.values import Values, as_they_are, values_in
from vae_jax.messages import UsageError

FeedKind: TypeAlias = Literal["auto", "memory", "stream"]

NUM_SEEN = 1_000
"""Number of first items of a stream from which the range of its values is told; the others are checked when read."""


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
        self.dtype = _type_of_numbers(first.dtype, f"item 0 of {name}")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        chosen = np.arange(len(self))[rows].tolist()
        result = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        # Floats may be rounded; an integer of another type may lose its sign or its size.
        casting = "same_kind" if self.dtype.kind == "f" else "safe"
        for position, index in enumerate(chosen):
            item = self._item(index)
            if item.shape != self.shape[1:] or not np.can_cast(item.dtype, self.dtype, casting):
                raise UsageError(
                    f"expected every item of {self.name} to be like item 0, {self.dtype} of shape {self.shape[1:]}; "
                    f"item {index} is {item.dtype} of shape {item.shape}"
                )
            result[position] = item
        return result

    def _item(self, index: int) -> np.ndarray:
        try:
            item = self.items[index]
            entry = item if self.entry is None else item[self.entry]
        except LookupError as error:
            wanted = "" if self.entry is None else f" with entry {self.entry!r}, as item 0 has"
            raise UsageError(
                f"expected an item for each of the {len(self.items)} numbers from 0 on in {self.name}{wanted}; item "
                f"{index} fails: {type(error).__name__}: {error}"
            ) from error
        if isinstance(item, tuple) and len(item) > 2:
            raise UsageError(
                f"expected an example, or it and its label, as item {index} of {self.name}; got a tuple of {len(item)}"
                "; give a dict, whose entries are the parts of an example"
            )
        return array_of(entry, f"item {index} of {self.name}")


class _Stored(NamedTuple):
    """A split as the object has it."""

    parts: dict[str, ArrayLike]
    """The parts of an example by their names; a single one called "" where the example is an array alone."""
    labels: Any = None
    columns: dict[str, np.ndarray] | None = None
    """The values of each column, of a frame alone, which has no parts yet."""


def from_object(
    examples: Any,
    *,
    labels: Any = None,
    name: str = "own",
    max_value: float | None = None,
    kinds: Mapping[str, str] | None = None,
    description: str = "data from a Python object",
    feed: FeedKind = "auto",
    num_workers: int = 0,
) -> Dataset:
    """Data that Python code holds or makes, ready for an `Experiment`.

    Their values mean what those of files mean (`docs/data/README.md`), and are checked like them; of a stream those of
    the first items decide, and the others are checked when they are read.

    Args:
        examples: An array or tensor, (num, *example_shape); a frame, whose columns are typed as those of files are; a
            tuple of one of these and its labels; or anything with a length and items, each an array of one shape, a
            tuple of such an array and its label, or a dict of arrays, the parts of an example; or split name -> such an
            object, or a dict of arrays. A single split is divided, and missing splits are made, as by
            `vae_jax.data.load`.
        labels: (num,) whole numbers or words, unless the examples bring them; or split name -> such labels.
        name: Name of the data in reports.
        max_value: The largest value that can be stored, which scaling maps to 1. Default: by the values; of several
            parts, `x` or else the first decides.
        kinds: Name of a column of a frame -> its kind, where its values would say otherwise.
        description: What the data are, in a sentence.
        feed: Keep the examples on the device, or stream batches from the object; "auto" decides by their size.
        num_workers: Number of processes that read a stream; 0 means threads.

    Raises:
        ValueError: If an object has no length or no items, or holds anything but arrays of finite numbers of one shape.

    Example:
        >>> images = [np.full((8, 8), level, np.uint8) for level in range(20)]
        >>> {split: len(part.examples) for split, part in from_object(images).splits.items()}
        {'train': 16, 'validation': 2, 'test': 2}
    """
    if isinstance(examples, Mapping) and {"data", "target"} <= examples.keys():
        raise ValueError("expected examples and labels; got a bunch of scikit-learn; give (bunch.data, bunch.target)")
    if feed not in get_args(FeedKind):
        raise ValueError(f"expected feed= as {' or '.join(get_args(FeedKind))}; got {feed!r}")
    if max_value is not None and not isinstance(max_value, int | float | np.number):
        raise ValueError(f"expected max_value=N with a number; got {max_value!r}")
    objects = examples if isinstance(examples, Mapping) else {"train": examples}
    if wrong := [split for split in objects if not isinstance(split, str)]:
        raise ValueError(f"expected names of splits, or of parts, as the keys of a dict; got {wrong[0]!r}")
    names = {split: name if len(objects) == 1 else f"{name}[{split!r}]" for split in objects}
    stored = {split: _stored(items, names[split]) for split, items in objects.items()}
    columns: tuple[Column, ...] = ()
    if any(of_split.columns for of_split in stored.values()):
        columns, rows, values = _typed(stored, names, max_value, kinds)
        kept = {split: {"": of_split} for split, of_split in rows.items()}
        is_streamed = streams(sum(map(num_bytes, rows.values())), feed)
    elif kinds:
        raise ValueError(f"expected kinds= for a frame, whose columns have names; {name} is none; leave it out")
    else:
        size = sum(num_bytes(part) for split in stored.values() for part in split.parts.values())
        is_streamed = streams(size, feed)
        kept, values = _kept(stored, names, max_value, is_streamed)
    ids, label_names = _labels(stored, labels, is_by_split=isinstance(examples, Mapping))
    splits = {split: Split(parts.get("", parts), ids.get(split)) for split, parts in kept.items()}
    dataset = Dataset(
        name, description, splits, values.max_value, columns, label_names=label_names, values=values.words
    )
    check_channels_last(dataset)
    return place(arrange(dataset), "stream" if is_streamed else "memory", num_workers)


def _stored(items: Any, name: str) -> _Stored:
    if isinstance(items, tuple) and len(items) == 2:
        inner = _stored(items[0], name)
        if inner.labels is not None:
            raise ValueError(
                f"expected examples and labels as {name}; the examples bring labels of their own; give one of them"
            )
        return inner._replace(labels=labels_of(items[1], f"labels of {name}"))
    if isinstance(items, Mapping):
        return _Stored({part: _examples(of_part, f"{name}[{part!r}]") for part, of_part in items.items()})
    if is_frame(items):
        _check_indexable(items, name)
        return _Stored({}, columns=columns_of_frame(items, name))
    examples = _examples(items, name)
    if isinstance(examples, Items):
        first = items[0]
        if isinstance(first, Mapping):
            return _Stored({part: Items(items, f"{name}, part {part!r}", part) for part in first})
        if len(examples.shape) > 1:
            return _Stored({"": examples}, _labels_of_items(items, name) if isinstance(first, tuple) else None)
    if len(examples.shape) < 2:
        raise ValueError(f"expected the items of {name} to be arrays; item 0 is a single number; give arrays")
    return _Stored({"": examples})


def _examples(items: Any, name: str) -> ArrayLike:
    if is_frame(items):
        raise ValueError(f"expected an array in {name}; got a {type(items).__name__}; call .to_numpy()")
    if isinstance(items, np.ma.MaskedArray) or hasattr(items, "nnz") or is_whole_array(items):
        array = array_of(items, name)
        _check_indexable(array, name)
        _type_of_numbers(array.dtype, name)
        return array
    _check_indexable(items, name)
    first = items[0]
    if isinstance(first, Mapping):
        return Items(items, name, next(iter(first)))
    return Items(items, name, 0 if isinstance(first, tuple) else None)


def _typed(
    stored: Mapping[str, _Stored], names: Mapping[str, str], max_value: float | None, kinds: Mapping[str, str] | None
) -> Typed:
    """The columns of frames, and the rows of each split."""
    splits = {split: of_split.columns or {} for split, of_split in stored.items()}
    first = next(iter(splits))
    for split, columns in splits.items():
        if list(columns) != list(splits[first]):
            raise ValueError(
                f"expected the same columns in every split; {names[first]} has {', '.join(splits[first]) or 'none'}, "
                f"{names[split]} has {', '.join(columns) or 'none'}"
            )
    sizes = {split: len(next(iter(columns.values()))) for split, columns in splits.items()}

    def where(row: int) -> str:
        for split, size in sizes.items():
            if row < size:
                return f"row {row + 1}" + f" of '{split}'" * (len(sizes) > 1)
            row -= size
        raise IndexError(row)

    name = names[first].partition("[")[0]
    return typed(splits, kinds, of=name, where=where, max_value=max_value, option="max_value={}")


def _kept(
    stored: Mapping[str, _Stored], names: Mapping[str, str], max_value: float | None, is_streamed: bool
) -> tuple[dict[str, dict[str, ArrayLike]], Values]:
    """The parts of each split as they are kept, and the values of the part that decides about the range."""
    parts = list(next(iter(stored.values())).parts)
    deciding = "x" if "x" in parts else parts[0]
    kept: dict[str, dict[str, ArrayLike]] = {split: {} for split in stored}
    values = {}
    for part in parts:
        if without := [names[split] for split in stored if part not in stored[split].parts]:
            raise ValueError(f"expected the same parts in every split; {without[0]} has no part '{part}'")
        of_splits = {split: stored[split].parts[part] for split in stored}
        if not is_streamed:
            of_splits = {split: in_memory(array) for split, array in of_splits.items()}
        by_name = {names[split] + f"[{part!r}]" * bool(part): array for split, array in of_splits.items()}
        values[part] = values_in(
            by_name,
            max_value if part == deciding else None,
            option="max_value={}",
            num_seen=NUM_SEEN if is_streamed else None,
        )
        if part != deciding:
            values[part] = _as_stored(values[part], by_name)
        for split, (name, array) in zip(stored, by_name.items(), strict=True):
            kept[split][part] = values[part].keep(array, name, is_sample=is_streamed)
    return kept, values[deciding]


def _as_stored(values: Values, arrays: Mapping[str, ArrayLike]) -> Values:
    """The values of a part that is no image: kept as they are, in the types of parts."""
    dtype = part_type(np.result_type(*(array.dtype for array in arrays.values())))
    if dtype.kind == "i" and values.dtype.kind == "f":  # too large for 32 bits
        dtype = values.dtype
    return as_they_are(dtype)


def _check_indexable(items: Any, name: str) -> None:
    if not hasattr(items, "__len__") or not hasattr(items, "__getitem__"):
        raise ValueError(
            f"expected {name} to have len() and items by number; got a {type(items).__name__}; make a list of it"
        )
    if len(items) == 0:
        raise ValueError(f"expected items in {name}; got an empty {type(items).__name__}")


def _labels_of_items(items: Indexable, name: str) -> ArrayLike:
    labels = Items(items, f"the labels of {name}", 1)
    if labels.dtype.kind == "f":
        raise ValueError(
            f"expected whole numbers as labels of {name}; item 0 has {labels.items[0][1]!r}; give (example, label)"
        )
    return as_they_are(np.dtype(np.int32)).keep(labels)


def _labels(stored: Mapping[str, _Stored], labels: Any, *, is_by_split: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The labels of the splits that have some, and their names."""
    given = {} if labels is None else labels if is_by_split else {"train": labels}
    if not isinstance(given, Mapping) or not given.keys() <= stored.keys():
        raise ValueError(f"expected labels= by the names of splits, {', '.join(stored)}, as the examples are")
    brought = {split: of_split.labels for split, of_split in stored.items() if of_split.labels is not None}
    read_later = {split: found for split, found in brought.items() if not isinstance(found, np.ndarray)}
    at_hand = {split: found for split, found in brought.items() if isinstance(found, np.ndarray)}
    at_hand |= {split: labels_of(values, "labels=") for split, values in given.items()}
    ids, label_names = label_ids(at_hand, "labels=") if at_hand else ({}, ())
    return {**read_later, **ids}, label_names


def _type_of_numbers(dtype: np.dtype, name: str) -> np.dtype:
    if dtype.kind not in "biuf":
        raise ValueError(f"expected numbers in {name}; got {dtype}; give arrays of uint8 or float32")
    return dtype
