"""Splits of the examples for training, validation and testing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import joined, part_of
from vae_jax.messages import did_you_mean

_VALIDATION_NAMES = ("validation", "valid", "val", "dev")


class _Stored(NamedTuple):
    num_examples: int


def arrange(dataset: Dataset, train: str = "", validation: str = "", test: str = "") -> Dataset:
    """The data in the splits "train", "validation" and "test".

    A split that is not given is taken as stored. Where there is only one split, of every ten examples the ninth is for
    validation and the tenth for testing. Where the validation or test split is missing, it is the last tenth of the
    training split, or the tenth before.

    Args:
        dataset: The data, in the splits in which they are stored.
        train: The training split in TFDS's syntax: `train`, `train[:50000]`, `train[80%:]`, `train+extra`.
        validation: The validation split, in the same syntax.
        test: The test split, in the same syntax.

    Raises:
        ValueError: If a split does not exist, cannot be read, or is empty.
    """
    stored = dataset.splits
    if not (train or validation or test) and len(stored) == 1:
        (only,) = stored.values()
        return replace(dataset, splits=by_tens(only))
    chosen = {"train": train, "validation": validation, "test": test}
    names = {
        "train": "train" if "train" in stored else next(iter(stored)),
        "validation": next((name for name in _VALIDATION_NAMES if name in stored), ""),
        "test": "test" if "test" in stored else "",
    }
    chosen = {name: chosen[name] or names[name] for name in chosen}
    missing = [name for name in ("test", "validation") if not chosen[name]]
    if missing:
        cuts = range(100 - 10 * len(missing), 101, 10)
        whole = chosen["train"]
        if "[" in whole or "+" in whole:
            raise ValueError(
                f"expected a split for {' and for '.join(missing)} of {dataset.name}, which stores "
                f"{', '.join(stored)}, beside train='{whole}'; name {'them' if len(missing) > 1 else 'it'} too"
            )
        for name, first, last in zip(missing, cuts, cuts[1:], strict=False):
            chosen[name] = f"{whole}[{first}%:{last}%]"
        chosen["train"] = f"{whole}[:{cuts[0]}%]"
    return replace(dataset, splits={name: select(dataset, specification) for name, specification in chosen.items()})


def select(dataset: Dataset, specification: str) -> Split:
    """The examples of a split that is given in TFDS's syntax.

    Raises:
        ValueError: If there is no such split, or it is empty.
    """
    parts = [(stored, rows) for stored, rows in _rows(dataset, specification) if len(rows)]
    if not parts:
        sizes = ", ".join(f"{name}: {len(split.examples)}" for name, split in dataset.splits.items())
        raise ValueError(f"expected examples in split '{specification}' of {dataset.name} ({sizes}); got none")
    examples = joined([part_of(stored.examples, rows) for stored, rows in parts])
    labels = [part_of(stored.labels, rows) for stored, rows in parts if stored.labels is not None]
    return Split(examples, joined(labels) if len(labels) == len(parts) else None)


def by_tens(split: Split) -> dict[str, Split]:
    """Split examples by tens: of every ten in a row, the ninth is for validation and the tenth for testing.

    Examples are split by counting, not by a random generator whose stream a new version may change.
    """
    num = len(split.examples)
    place = np.arange(num) % 10
    if num < 10:
        raise ValueError(f"expected at least 10 examples to split; got {num}; give splits of your own")
    chosen = {"train": place < 8, "validation": place == 8, "test": place == 9}
    return {name: split.part(np.flatnonzero(members)) for name, members in chosen.items()}


def _rows(dataset: Dataset, specification: str) -> list[tuple[Split, range]]:
    if (whole := dataset.splits.get(specification)) is not None:
        return [(whole, range(len(whole.examples)))]
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
        (stored[part.splitname], range(*slice(part.from_, part.to).indices(sizes[part.splitname].num_examples)))
        for part in instructions
    ]
