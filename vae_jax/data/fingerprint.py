"""A fingerprint of a data set, by which a run knows its data again."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vae_jax.data.examples import ArrayLike, is_computed, named_arrays
from vae_jax.data.order import shuffled

if TYPE_CHECKING:
    from vae_jax.data.dataset import Dataset, Split

_KEY = np.array([0, 11], np.uint32)
# Enough to see any row of a small set, and few enough to decode them in about a second.
_NUM_BYTES, _FEWEST, _MOST = 2**24, 256, 4_096


def fingerprint(dataset: Dataset) -> dict[str, str]:
    """Statements about a data set that differ, in all likelihood, for other data.

    All rows of a small split are read, and a sample of a large one: the first, the last, and others drawn by a fixed
    key. A change of a few rows out of many may stay unseen. Of examples that the device computes, labels alone are
    read: two devices may round pixels differently.

    Args:
        dataset: The data, in memory or streamed.

    Returns:
        Name of a statement -> the statement, in words: types and shapes, the largest value, the names of columns and
        classes, and for each split its size and a checksum.
    """
    first = next(iter(dataset.splits.values()))
    kinds = [f"{name} {part.dtype} of {tuple(part.shape[1:])}" for name, part in named_arrays(first.examples)]
    columns = [column.name for column in dataset.columns]
    names = {"columns": columns, "classes": dataset.label_names, "factors": dataset.factor_names}
    return {
        "examples": ", ".join(map(str.strip, kinds)),
        "largest value": f"{dataset.max_value:.9g}",
        **{name: _in_words(listed) for name, listed in names.items() if listed},
        **{f"split {name}": _of_split(split) for name, split in dataset.splits.items()},
    }


def _of_split(split: Split) -> str:
    stored = [part for _, part in named_arrays(split.examples) if not is_computed(part)]
    labels = [] if split.labels is None else [split.labels]
    rows = _sample([*stored, *labels], len(split.examples))
    return f"{len(split.examples):,} examples, checksum {_checksum(_bytes(part, rows) for part in [*stored, *labels])}"


def _sample(parts: Sequence[ArrayLike], num: int) -> np.ndarray:
    """Rows to read, sorted: all, or the first, the last, and others drawn by a fixed key."""
    each = sum(math.prod(part.shape[1:]) * part.dtype.itemsize for part in parts)
    most = min(max(_NUM_BYTES // max(each, 1), _FEWEST), _MOST)
    return np.arange(num) if num <= most else np.union1d([0, num - 1], shuffled(_KEY, 0, np.arange(most), num))


def _bytes(part: ArrayLike, rows: np.ndarray) -> bytes:
    return np.ascontiguousarray(part[rows]).tobytes()


def _in_words(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) + ", ..." * (len(names) > 5)
    return f"{len(names)} ({shown}), checksum {_checksum(name.encode() + bytes(1) for name in names)}"


def _checksum(blocks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()[:16]
