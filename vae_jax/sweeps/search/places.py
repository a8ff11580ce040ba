"""The trials of a study that count: they follow from its trials alone, whichever worker asks or was killed.

A search has as many places as it has trials. A fresh trial has the place of its order among the fresh ones, and those
beyond the last place are surplus: they come from workers that asked at the same moment. A trial that was given back
(Optuna's state FAIL, which no other trial has) is replaced by another with the same place; of several replacements,
made at the same moment, the first one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

REPLACES = "replaces"
"""The user attribute with the number of the trial that a trial replaces."""


def places_of(trials: Iterable[FrozenTrial], num_places: int) -> dict[int, int]:
    """The trials that count: number -> place, in order.

    Args:
        trials: All trials of the study.
        num_places: Number of places.
    """
    places: dict[int, int] = {}
    replaced: set[int] = set()
    num_fresh = 0
    for trial in sorted(trials, key=lambda trial: trial.number):
        other = trial.user_attrs.get(REPLACES)
        if other is None:
            if num_fresh < num_places:
                places[trial.number] = num_fresh
            num_fresh += 1
        elif other in places and other not in replaced:
            replaced.add(other)
            places[trial.number] = places[other]
    return places


def to_replace(trials: Sequence[FrozenTrial], num_places: int) -> list[FrozenTrial]:
    """The trials that count, were given back, and have no replacement yet."""
    places = places_of(trials, num_places)
    replaced = {trial.user_attrs[REPLACES] for trial in trials if REPLACES in trial.user_attrs}
    return [
        trial
        for trial in trials
        if trial.number in places and trial.state.name == "FAIL" and trial.number not in replaced
    ]


def replacement_of(trial: FrozenTrial, names: Set[str]) -> FrozenTrial:
    """A trial to be asked for in place of one that was given back, with the same fields and place.

    If not all fields of the old trial had been chosen, all are chosen anew.

    Args:
        trial: The trial that was given back.
        names: Names of all fields.
    """
    from optuna.trial import TrialState, create_trial

    is_whole = trial.params.keys() == names
    # Its rank among the others will follow from its own reports.
    kept = {key: value for key, value in trial.system_attrs.items() if not key.startswith("completed_rung")}
    return create_trial(
        state=TrialState.WAITING,
        params=trial.params if is_whole else {},
        distributions=trial.distributions if is_whole else {},
        user_attrs={REPLACES: trial.number},
        system_attrs=kept if is_whole else {},
    )
