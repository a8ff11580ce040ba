"""The codes of a split as a file: what other programs take up."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from vae_jax.data.files.rows import write_rows
from vae_jax.files import write_bytes
from vae_jax.runs.chosen import classes_of, named_classes
from vae_jax.runs.trained import Trained

KINDS = (".npz", ".csv", ".parquet")
"""Suffixes of the files."""


def codes_of(trained: Trained, split: str) -> dict[str, np.ndarray]:
    """The codes of a split, what is uncertain about them, and what else is known of each example.

    Args:
        trained: The model.
        split: Name of the split.

    Returns:
        Name -> array of (num, ...): `mean`, `scale` and `sample` as of `Trained.posterior`, in a group of a hierarchy
        `mean.top` and so on; the scores of `Trained.scores`; and `label`, where the data have some, by its name.

    Raises:
        UsageError: If there is no such split.
    """
    of_split = trained.experiment.dataset.split(split)
    found = named(trained.posterior(of_split)) | trained.scores(of_split)
    rows = np.arange(len(of_split.examples))
    labels = named_classes(trained.experiment.dataset, classes_of(of_split, rows))
    return found if labels is None else found | {"label": labels}


def write_codes(path: Path, codes: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a .npz file as they are, or to a .csv or .parquet file with a column for each number of a row.

    The columns of an array of several numbers are named `mean_0`, `mean_1`, and so on.
    """
    if path.suffix.lower() != ".npz":
        write_rows(path, {name: column for array in codes.items() for name, column in _columns(*array)})
        return
    write_arrays(path, codes)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a .npz file, which is whole or absent."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())


def _columns(name: str, array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    if array.ndim == 1:
        return [(name, array)]
    flat = array.reshape(len(array), -1)
    return [(f"{name}_{index}", flat[:, index]) for index in range(flat.shape[1])]


def named(tree: Any) -> dict[str, np.ndarray]:
    """The arrays of a pytree by their places: `mean`, or `mean.top` in a group."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}
