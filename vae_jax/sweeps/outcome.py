"""The outcome of a worker's part of a sweep, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vae_jax.ranking import default_metric, rank
from vae_jax.sweeps.work.table import in_words

if TYPE_CHECKING:
    from vae_jax.sweeps.sweep import Sweep


def outcome_in_words(sweep: Sweep, *, is_done: bool) -> list[str]:
    """The last lines that a worker prints: the states of the lanes, the best setting, and what to do next."""
    path = sweep.directory.path
    states = Counter(sweep.directory.status(number) for number in sweep.lane_numbers())
    lanes = ", ".join(f"{num} {state}" for state, num in sorted(states.items()))
    if not is_done:
        return [f"stopped by a signal, saved ({lanes}); go on with: vae-jax resume {path}"]
    lines = [f"lanes: {lanes}", *_best(sweep)]
    if states["running"]:
        lines.append("other workers are at the running ones")
    lines.append(f"compare them: vae-jax compare {path}")
    if sweep.directory.report.is_file():
        lines.append(f"report: {sweep.directory.report}")
    return lines


def _best(sweep: Sweep) -> list[str]:
    """A line about the best setting, over its seeds; empty if there is none."""
    records = sweep.records() if sweep.lane_numbers() else []
    metric = default_metric(records)
    rows = [row for row in rank(records, metric) if row.mean is not None]
    if not rows:
        return []
    best = rows[0]
    fields = {name: best.fields[name] for name in sweep.axes if name in best.fields and name != "seed"}
    error = "" if best.standard_error is None else f" ± {best.standard_error:.2f}"
    seeds = f" over {best.num_seeds} seeds" if best.num_seeds > 1 else ""
    setting = f"{in_words(fields)}: " if fields else ""
    return [f"best: {setting}{metric} {best.mean:.2f}{error}{seeds} (lane {best.names[0]})"]
