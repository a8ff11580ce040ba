"""Rows of a ranking that differ in one field alone."""

from __future__ import annotations

from collections.abc import Sequence

from vae_jax.ranking import Row
from vae_jax.report.sweep.scale import Scale


def along(rows: Sequence[Row], scale: Scale, others: Sequence[Scale]) -> list[list[Row]]:
    """Rows with a value, grouped by the values of all fields but one, and sorted along that field.

    Args:
        rows: The rows, the best first.
        scale: The scale of the one field.
        others: The scales of the other fields that were swept.

    Returns:
        The groups, the one with the best row first, each in the order of the field.
    """
    groups: dict[tuple[float, ...], list[Row]] = {}
    for row in rows:
        if row.mean is not None:
            key = tuple(other.place(row.fields.get(other.name)) for other in others)
            groups.setdefault(key, []).append(row)
    return [sorted(group, key=lambda row: scale.place(row.fields.get(scale.name))) for group in groups.values()]


def are_lines(groups: Sequence[Sequence[Row]]) -> bool:
    """Whether most rows have a neighbour along the field: they do in a grid, and not among random draws."""
    return sum(len(group) for group in groups if len(group) > 1) > sum(len(group) == 1 for group in groups)
