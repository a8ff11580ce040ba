"""Examples of several parts, from what a source holds beside the examples: labels, features, arrays, columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from vae_jax.data.config import DataConfig
from vae_jax.data.dataset import Dataset, Split
from vae_jax.data.examples import Examples


def with_parts_of(dataset: Dataset, config: DataConfig, read: Callable[[str], Mapping[str, Examples]]) -> Dataset:
    """The data, with each example a dict of `x` and the parts that a config names.

    Args:
        dataset: The data as they were read.
        config: Its `parts` are `name` or `part=name`, separated by commas.
        read: Maps the name of a feature, array or column to its values in each split; it is not called for `label`.

    Raises:
        ValueError: If a part is named twice, does not exist, or is `label` where the data have no labels.
    """
    named = named_parts(config)
    if not named:
        return dataset
    stored = {part: _labels(dataset, config) if name == "label" else read(name) for part, name in named.items()}
    splits = {
        split: Split({"x": examples} | {part: of_splits[split] for part, of_splits in stored.items()}, labels)
        for split, (examples, labels) in dataset.splits.items()
    }
    return replace(dataset, splits=splits)


def named_parts(config: DataConfig) -> dict[str, str]:
    """The parts that a config names: part -> its name where it is stored.

    Example:
        >>> named_parts(DataConfig(parts="condition=label, mask"))
        {'condition': 'label', 'mask': 'mask'}
    """
    found: dict[str, str] = {}
    for words in filter(None, map(str.strip, config.parts.split(","))):
        part, _, name = words.partition("=")
        part, name = part.strip(), name.strip() or part.strip()
        if not part or part == "x" or part in found:
            raise ValueError(
                f"expected --data.parts as names with commas between, such as condition=label, each once and none "
                f"called x; got '{config.parts}'"
            )
        found[part] = name
    return found


def part_type(dtype: np.dtype) -> np.dtype:
    """The type in which a part is kept: uint8 and booleans as they are, other whole numbers int32, others float32."""
    if dtype.kind == "b" or dtype == np.uint8:
        return dtype
    return np.dtype(np.int32 if dtype.kind in "iu" else np.float32)


def _labels(dataset: Dataset, config: DataConfig) -> Mapping[str, Examples]:
    labels = {split: stored.labels for split, stored in dataset.splits.items() if stored.labels is not None}
    without = [split for split in dataset.splits if split not in labels]
    if without:
        raise ValueError(
            f"expected labels in {dataset.name} for --data.parts {config.parts}; split '{without[0]}' has none; name "
            "what holds them with --data.labels, or another part"
        )
    return labels
