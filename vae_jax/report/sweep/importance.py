"""The importance of each field for the metric: the accuracy that a model of it loses when that field is shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vae_jax.ranking import RunRecord, metric_of
from vae_jax.report.labels import name_plot
from vae_jax.report.numbers import decimal
from vae_jax.report.sweep.quantity import quantity_of
from vae_jax.report.sweep.scale import Scale, field_words, shortened
from vae_jax.report.theme import LIGHT, Theme, plot, to_png

LEAST_LANES = 24
"""Least number of lanes: from fewer, a forest learns too little."""
LEAST_EXPLAINED = 0.1
"""Least fraction of the variance: a forest that explains less does not know what matters."""
NUM_FOLDS = 5
NUM_TREES = 100
NUM_SHUFFLES = 10


class Importance(NamedTuple):
    """The importance of the fields for a metric."""

    names: list[str]
    """The fields, the most important first."""
    mean: list[float]
    """The error that shuffling a field adds, in the unit of the metric."""
    deviation: list[float]
    """Standard deviation of the added error over folds and shuffles."""
    explained: float
    """The fraction of the variance between unseen lanes that the model explains, at most 1."""
    num_lanes: int


def importance(records: Sequence[RunRecord], scales: Sequence[Scale], metric: str) -> Importance | None:
    """Permutation importance of the fields for the metric, by a random forest.

    The forest learns the metric from the fields of four fifths of the lanes. On the last fifth, the values of one
    field are shuffled between the lanes: its importance is the growth of the prediction's mean absolute error.

    Args:
        records: The lanes; those that diverged or lack the metric are left out.
        scales: The scales of the fields, with the seed if it was swept: it shows the importance that noise gets.
        metric: The metric to explain.

    Returns:
        The importance; None for fewer than `LEAST_LANES` lanes or two fields, or if the forest explains too little.

    Source: Breiman 2001, Random Forests, section 10; the average over held-out folds is ours.
    """
    numbers = [(record, metric_of(record, metric)) for record in records if record.state != "diverged"]
    known = [(record, value) for record, value in numbers if value is not None]
    target = np.array([value for _, value in known], float)
    if len(known) < LEAST_LANES or len(scales) < 2 or np.ptp(target) == 0:
        return None
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    fields = np.array([[scale.place(record.fields.get(scale.name)) for scale in scales] for record, _ in known])
    predicted, added = np.empty_like(target), []
    for seen, unseen in KFold(NUM_FOLDS, shuffle=True, random_state=0).split(fields):
        forest = RandomForestRegressor(NUM_TREES, random_state=0).fit(fields[seen], target[seen])
        predicted[unseen] = forest.predict(fields[unseen])
        found = permutation_importance(
            forest,
            fields[unseen],
            target[unseen],
            scoring="neg_mean_absolute_error",
            n_repeats=NUM_SHUFFLES,
            random_state=0,
        )
        added.append(found["importances"])
    explained = 1 - float(np.mean((predicted - target) ** 2) / np.var(target))
    if explained < LEAST_EXPLAINED:
        return None
    all_added = np.concatenate(added, axis=1)
    order = np.argsort(-all_added.mean(axis=1), kind="stable")
    return Importance(
        [scales[i].name for i in order],
        [float(all_added[i].mean()) for i in order],
        [float(all_added[i].std(ddof=1)) for i in order],
        explained,
        len(known),
    )


def importance_bars(found: Importance, metric: str, *, theme: Theme = LIGHT) -> bytes:
    """A bar for each field, the most important at the top, with a whisker of one standard deviation to both sides."""
    with plot(theme, 460, 300) as (figure, axes):
        name_plot(figure, f"Importance for {quantity_of(metric).title}")
        places = -np.arange(len(found.names))
        axes.barh(places, found.mean, height=0.5, color=theme.accent)
        axes.errorbar(found.mean, places, xerr=found.deviation, fmt="none", ecolor=theme.ink, elinewidth=1)
        reach = [mean + deviation for mean, deviation in zip(found.mean, found.deviation, strict=True)]
        for place, mean, end in zip(places, found.mean, reach, strict=True):
            axes.annotate(
                decimal(mean, 2), (max(end, 0), place), xytext=(6, 0), textcoords="offset points", va="center",
                color=theme.muted,
            )  # fmt: skip
        axes.set_xlim(right=1.18 * max(reach))
        axes.axvline(0, color=theme.quiet, linewidth=1)
        axes.grid(False)
        axes.grid(True, axis="x")
        axes.set_yticks(places, [shortened(field_words(name), 32) for name in found.names])
        axes.tick_params(axis="y", labelcolor=theme.ink, labelsize=9)
        axes.set_ylim(-max(len(found.names), 3) + 0.4, 0.6)
        return to_png(figure)
