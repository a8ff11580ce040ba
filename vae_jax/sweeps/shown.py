"""A sweep as it shows itself in a notebook: its lanes, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vae_jax.html import block, line, table
from vae_jax.ranking import RunRecord, default_metric, rank, swept_fields
from vae_jax.report.numbers import decimal, setting

_NUM_ROWS = 20


def sweep_html(path: Path, name: str, records: Sequence[RunRecord]) -> str:
    """The fields in which lanes differ, and the number that they are ranked by.

    Args:
        path: The sweep's directory.
        name: Name of the experiment.
        records: The lanes that were begun.
    """
    if not records:
        return block(line(f"{name} in {path}", is_strong=True), line("no lane has begun"))
    metric, fields = default_metric(records), swept_fields(records)
    lanes = [
        (
            record.name,
            *(setting(record.fields.get(field)) for field in fields),
            "—" if value is None else decimal(value),
            record.state,
        )
        for row in rank(records, metric)
        for record, value in zip(row.records, row.values, strict=True)
    ]
    rest = len(lanes) - _NUM_ROWS
    return block(
        line(f"{name} in {path}", is_strong=True),
        table(lanes[:_NUM_ROWS], ("lane", *fields, metric, "")),
        line(f"and {rest:,} more lanes") if rest > 0 else "",
    )
