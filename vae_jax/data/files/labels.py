"""Labels as integers, from whole numbers or words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def label_ids(stored: Mapping[str, np.ndarray], name: str) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The labels of every split as integers, and their names.

    Args:
        stored: Split name -> (num,), (num, 1) or (num, factors), whole numbers; or (num,) words, which get the numbers
            0, 1, ... in alphabetical order, the same in every split.
        name: Name of the labels in errors.

    Returns:
        Split name -> int32 of (num,) or (num, factors); and the words, or nothing where the labels are numbers.

    Raises:
        ValueError: If the labels are neither whole numbers nor words.
    """
    labels = {split: np.asarray(values) for split, values in stored.items()}
    labels = {split: values[:, 0] if values.shape[1:] == (1,) else values for split, values in labels.items()}
    if labels and all(values.dtype.kind in "SU" and values.ndim == 1 for values in labels.values()):
        words = np.unique(np.concatenate(list(labels.values())))
        ids = {split: np.searchsorted(words, values).astype(np.int32) for split, values in labels.items()}
        return ids, tuple(word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word) for word in words)
    for values in labels.values():
        is_whole = values.dtype.kind in "biu" or (values.dtype.kind == "f" and bool((values == np.rint(values)).all()))
        if values.ndim not in (1, 2) or not is_whole:
            raise ValueError(
                f"expected a whole number or a word for each example as labels; {name} holds {values.dtype} of shape "
                f"{values.shape}; choose others with --data.labels"
            )
    return {split: values.astype(np.int32) for split, values in labels.items()}, ()
