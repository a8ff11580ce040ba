"""Early stopping: the rules that end bad trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vae_jax.sweeps.config import Stopping

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

HALVING_FACTOR = 4
HYPERBAND_FACTOR = 3


def pruner_of(stopping: Stopping | None, *, min_steps: int, max_steps: int) -> BasePruner:
    """The Optuna pruner that decides at a validation whether a trial goes on.

    `halving` is asynchronous successive halving (ASHA): after min_steps, 4 min_steps, 16 min_steps, ... a trial goes on
    if its value is among the best quarter of all values that any trial has had at that point so far, itself included.
    No trial waits for others: so the first few go on if they are the best so far, and where trials come one at a time,
    somewhat more than a quarter survives. Of lanes that are validated together the best is reported first, so that no
    more of them survive than the rule intends. The best trial so far is never stopped. `hyperband` deals the trials out
    to several such halvings, with factor 3, which begin to stop after min_steps, 3 min_steps, 9 min_steps, ...: it
    costs more where early values predict the winner, and loses less where they do not.

    There is no bootstrap: Optuna's bootstrap would stop the first trials of every rung unseen, the best included.

    Differs from the papers: a stopped trial is not taken up again when others turn out to be worse (ASHA promotes it
    later), and a bracket of hyperband gets its share of trials by a hash of their numbers rather than in turns.

    Source: Li et al. 2018, arXiv:1810.05934, algorithm 2 with factor 4; Li et al. 2018, arXiv:1603.06560, algorithm 1
    with factor 3.

    Args:
        stopping: The rule; None for a pruner that never stops a trial.
        min_steps: The step of the first validation.
        max_steps: The step of the last validation.
    """
    from optuna.pruners import HyperbandPruner, NopPruner, SuccessiveHalvingPruner

    match stopping:
        case "halving":
            return SuccessiveHalvingPruner(min_resource=min_steps, reduction_factor=HALVING_FACTOR)
        case "hyperband":
            # Optuna counts the brackets by the logarithm of a quotient; by rounding, the logarithm of 243 to the base 3
            # comes out below 5. With one step more than the last rung the count is right in spite of rounding.
            last_rung = rungs(min_steps, max_steps, HYPERBAND_FACTOR)[-1]
            return HyperbandPruner(
                min_resource=min_steps, max_resource=last_rung + 1, reduction_factor=HYPERBAND_FACTOR
            )
        case _:
            return NopPruner()


def rungs(min_steps: int, max_steps: int, factor: int) -> list[int]:
    """The steps after which a trial may be stopped, up to its end.

    Example:
        >>> rungs(100, 6400, 4)
        [100, 400, 1600, 6400]
    """
    steps = [min_steps]
    while steps[-1] * factor <= max_steps:
        steps.append(steps[-1] * factor)
    return steps
