"""A table, from a file or a frame, as a data set holds it: columns described over all splits, rows as numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from vae_jax.data.column_kinds import described
from vae_jax.data.columns import Column
from vae_jax.data.values import Values, as_they_are, values_in


class Typed(NamedTuple):
    """The rows of a table as numbers, and what they mean."""

    columns: tuple[Column, ...]
    rows: dict[str, np.ndarray]
    """Split name -> (num, columns): int32 where all hold whole numbers, else float32."""
    values: Values


def typed(
    splits: Mapping[str, Mapping[str, np.ndarray]],
    kinds: Mapping[str, str] | None = None,
    *,
    of: str,
    where: Callable[[int], str],
    max_value: float | None = None,
    option: str = "--data.max-value {}",
) -> Typed:
    """The columns of a table, described over all splits, so that a code means the same in each; and its rows.

    Args:
        splits: Split name -> name of a column -> its values, as for `described`; of all splits the same columns.
        kinds: Name of a column -> kind, where the rule of `column_kinds` would say otherwise.
        of: Name of the table in errors.
        where: Map from a row, counted over all splits in order, to its name in errors.
        max_value: The value that becomes 1, where the user says it.
        option: How the user says it, with {} for the number.

    Raises:
        ValueError: If a value is missing or not of its column's kind; the message names column and row.
    """
    first = next(iter(splits.values()))
    joined = {name: np.concatenate([arrays[name] for arrays in splits.values()]) for name in first}
    columns, rows = described(joined, kinds, of=of, where=where)
    # Codes of words, dates and differences are no levels, which scaling would map to [0, 1].
    are_numbers = all(column.kind not in ("category", "date") and not column.origin for column in columns)
    values = values_in({of: rows}, max_value, option=option) if are_numbers else as_they_are(rows.dtype)
    ends = np.cumsum([len(next(iter(arrays.values()))) for arrays in splits.values()])[:-1]
    return Typed(columns, dict(zip(splits, np.split(values.converted(rows), ends), strict=True)), values)
