"""Tables of measurements: as text (Markdown) and as JSON, with the machine and the versions that they were made on."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

PACKAGES = ("vae-jax", "jax", "jaxlib", "flax", "optax", "numpy", "torch", "pythae", "vector-quantize-pytorch")


class Table(NamedTuple):
    """A title, rows that share their columns, and what has to be said of them."""

    title: str
    rows: list[dict[str, Any]]
    notes: tuple[str, ...] = ()


def as_text(table: Table) -> str:
    """As Markdown that can be read as it is."""
    lines = [f"### {table.title}"]
    if table.rows:
        columns = list(dict.fromkeys(name for row in table.rows for name in row))
        cells = [columns, *([_cell(row.get(name)) for name in columns] for row in table.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
        texts = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
                 for row in cells]  # fmt: skip
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        lines += ["", texts[0], rule, *texts[1:]]
    lines += [f"\n{note}" for note in table.notes]
    return "\n".join(lines)


def as_json(table: Table) -> dict[str, Any]:
    """As JSON, numbers unrounded."""
    return table._asdict() | {"notes": list(table.notes)}


def environment_table() -> Table:
    """The machine, the versions and the day."""
    rows = [
        {"what": "date", "value": date.today().isoformat()},
        {"what": "processor", "value": f"{_processor()}, {os.cpu_count()} cores"},
        {"what": "load before", "value": ", ".join(f"{load:.1f}" for load in os.getloadavg()) + " (1, 5, 15 minutes)"},
        {"what": "python", "value": f"{platform.python_version()} on {platform.system()} {platform.machine()}"},
    ]
    rows += [{"what": package, "value": version(package) or "not installed"} for package in PACKAGES]
    return Table("Machine and versions", rows)


def version(package: str) -> str | None:
    """Of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
