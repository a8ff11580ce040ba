"""The numbers that a reader of a sweep looks for first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from vae_jax.ranking import Row, RunRecord, lower_is_better
from vae_jax.report.numbers import Headline
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale
from vae_jax.report.sweep.settings import setting_words

STATES = {
    "finished": ("Finished", "Trained to the end."),
    "stopped": ("Stopped", "Ended early, since others did better by then."),
    "diverged": ("Diverged", "Frozen at the first number that was not finite."),
    "running": ("Running", "Not at their end yet: this page will change."),
    "waiting": ("Waiting", "Not begun yet."),
}
MOST_FIELDS = 4
"""Number of fields of the best setting that are named."""


def sweep_headlines(
    records: Sequence[RunRecord], rows: Sequence[Row], scales: Sequence[Scale], metric: str
) -> list[Headline]:
    """The best setting, the noise of seeds, the number of lanes, and how they ended.

    Args:
        records: The lanes.
        rows: The ranking, the best first.
        scales: The scales of the fields that were swept, except the seed.
        metric: The metric of the ranking.
    """
    found = []
    quantity = quantity_of(metric)
    if rows and rows[0].mean is not None:
        best = rows[0]
        error = "" if best.standard_error is None else f"± {quantity.show(best.standard_error)} "
        where = setting_words(best.fields, scales[:MOST_FIELDS]) + ", …" * (len(scales) > MOST_FIELDS)
        over = f"mean of {best.num_seeds} seeds" if best.num_seeds > 1 else f"lane {best.names[0]}"
        meaning = f"The best: {where + '; ' if where else ''}{over}. {_better(metric)} is better."
        found.append(Headline(quantity.name, quantity.show(best.mean), f"{error}{quantity.unit}".strip(), meaning))
    noise = seed_deviation(rows)
    if noise is not None:
        meaning = "One standard deviation between seeds of a setting: smaller differences may be luck."
        found.append(Headline("Noise of seeds", f"± {quantity.show(noise)}", quantity.unit, meaning))
    seeds = "with its seeds" if len(rows) < len(records) else "with one seed"
    meaning = f"Runs side by side: {len(rows):,} settings, each {seeds}." if len(rows) > 1 else "Runs of one setting."
    found.append(Headline("Lanes", f"{len(records):,}", "", meaning))
    counts = Counter(record.state for record in records)
    return found + [
        Headline(name, f"{counts[state]:,}", f"of {len(records):,}", meaning)
        for state, (name, meaning) in STATES.items()
        if counts[state]
    ]


def seed_deviation(rows: Sequence[Row]) -> float | None:
    """The standard deviation between the seeds of a setting, pooled over the settings; None without repetitions.

    √(Σ (n − 1) s² / Σ (n − 1)) over settings of n seeds and deviation s = standard error · √n.
    """
    repeated = [(row.num_seeds, row.standard_error) for row in rows if row.standard_error is not None]
    freedom = sum(num - 1 for num, _ in repeated)
    return math.sqrt(sum((num - 1) * num * error**2 for num, error in repeated) / freedom) if freedom else None


def _better(metric: str) -> str:
    return "Lower" if lower_is_better(metric) else "Higher"
