"""Splits of the examples for training, validation and testing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import joined, part_of
from vae_jax.data.order import shuffled
from vae_jax.messages import did_you_mean

VALIDATION_NAMES = ("validation", "valid", "val", "dev")
"""The names of a stored split for validation."""
_STORED_NAMES = {"validation": VALIDATION_NAMES, "test": ("test",)}
# Never changed: another key would put examples that a run was trained on into its test split.
_KEY = np.array([0, 10], np.uint32)

Rows = range | np.ndarray


class _Stored(NamedTuple):
    num_examples: int


def arrange(dataset: Dataset, train: str = "", validation: str = "", test: str = "") -> Dataset:
    """The data in the splits "train", "validation" and "test".

    A split that is not given is taken as stored; the training split, less what the given ones take from it. Where the
    validation or test split is missing, it is a tenth of the training split, drawn by a fixed key: of as many rows,
    the same rows are always drawn. Where rows are added, others are drawn.

    Args:
        dataset: The data, in the splits in which they are stored.
        train: The training split in TFDS's syntax: `train`, `train[:50000]`, `train[80%:]`, `train+extra`.
        validation: The validation split, in the same syntax.
        test: The test split, in the same syntax.

    Raises:
        ValueError: If a split does not exist, cannot be read, or is empty.
    """
    stored = dataset.splits
    given = {"train": train, "validation": validation, "test": test}
    chosen = {name: _rows(dataset, words) for name, words in given.items() if words}
    for name, names in _STORED_NAMES.items():
        own = next((known for known in names if known in stored), None)
        if name not in chosen and own and len(stored) > 1:
            chosen[name] = _rows(dataset, own)
    missing = [name for name in _STORED_NAMES if name not in chosen]
    if missing and ("[" in train or "+" in train):
        raise ValueError(
            f"expected a split for {' and for '.join(missing)} of {dataset.name}, which stores "
            f"{', '.join(stored)}, beside train='{train}'; name {'them' if len(missing) > 1 else 'it'} too"
        )
    if "train" not in chosen:
        chosen["train"] = _rest(dataset, chosen)
    if missing:
        ((whole, rows),) = chosen["train"]
        drawn = _drawn(len(rows), missing)
        chosen |= {name: [(whole, np.asarray(rows)[places])] for name, places in drawn.items()}
    splits = {name: _split(dataset, chosen[name], given[name] or name) for name in given}
    description = dataset.description
    if missing:
        are = "are a tenth of the examples each" if len(missing) > 1 else "is a tenth of the examples"
        description += f"; {' and '.join(missing)} {are}, drawn by a fixed key"
    return replace(dataset, splits=splits, description=description, drawn=tuple(missing))


def _rest(dataset: Dataset, chosen: Mapping[str, Sequence[tuple[str, Rows]]]) -> list[tuple[str, Rows]]:
    """The stored training split, less the rows of it that other splits take."""
    stored = dataset.splits
    for_others = {name for names in _STORED_NAMES.values() for name in names} if len(stored) > 1 else set()
    own = "train" if "train" in stored else next((name for name in stored if name not in for_others), None)
    if own is None:
        raise ValueError(
            f"expected a training split of {dataset.name}, which stores {', '.join(stored)}; name it with --data.train"
        )
    is_free = np.ones(len(stored[own].examples), bool)
    for of_split in chosen.values():
        for name, rows in of_split:
            if name == own:
                is_free[rows] = False
    return [(own, _as_range(np.flatnonzero(is_free)))]


def _as_range(rows: np.ndarray) -> Rows:
    """Sorted rows as a range where they are one: it takes no memory, and may be computed on the device."""
    is_range = len(rows) and rows[-1] - rows[0] == len(rows) - 1
    return range(int(rows[0]), int(rows[-1]) + 1) if is_range else rows


def _drawn(num: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The places of a tenth of some examples for each of the names, and of the others for training, all sorted.

    The order is our own and not that of a library, whose stream a new version may change.
    """
    if num < 10:
        raise ValueError(f"expected at least 10 examples to split; got {num}; give splits of your own")
    size = num // 10
    places = shuffled(_KEY, 0, np.arange(size * len(names)), num).reshape(len(names), size)
    is_left = np.ones(num, bool)
    is_left[places] = False
    return {"train": np.flatnonzero(is_left)} | dict(zip(names, np.sort(places), strict=True))


def _split(dataset: Dataset, rows: Sequence[tuple[str, Rows]], words: str) -> Split:
    parts = [(dataset.splits[name], of_name) for name, of_name in rows if len(of_name)]
    if not parts:
        sizes = ", ".join(f"{name}: {len(split.examples)}" for name, split in dataset.splits.items())
        raise ValueError(f"expected examples in split '{words}' of {dataset.name} ({sizes}); got none")
    examples = joined([part_of(stored.examples, of_name) for stored, of_name in parts])
    labels = [part_of(stored.labels, of_name) for stored, of_name in parts if stored.labels is not None]
    return Split(examples, joined(labels) if len(labels) == len(parts) else None)


def _rows(dataset: Dataset, specification: str) -> list[tuple[str, Rows]]:
    """The rows of each stored split that a split in TFDS's syntax consists of."""
    if (whole := dataset.splits.get(specification)) is not None:
        return [(specification, range(len(whole.examples)))]
    # TFDS reads its own syntax; it needs no TensorFlow for that.
    from tensorflow_datasets.core import ReadInstruction

    stored: Mapping[str, Split] = dataset.splits
    sizes = {name: _Stored(len(split.examples)) for name, split in stored.items()}
    try:
        instructions = ReadInstruction.from_spec(specification).to_absolute(sizes)
    except (ValueError, AssertionError) as error:
        name = specification.partition("[")[0]
        hint = did_you_mean(name, stored) if name not in stored else f"; {str(error).partition(chr(10))[0]}"
        raise ValueError(
            f"expected a split of {dataset.name} ({', '.join(stored)}), or a part such as "
            f"{next(iter(stored))}[:80%]; got '{specification}'{hint}"
        ) from None
    return [
        (part.splitname, range(*slice(part.from_, part.to).indices(sizes[part.splitname].num_examples)))
        for part in instructions
    ]
