"""The duties of a run at a step: a line of metrics, a validation, its end. A lane of a sweep has the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_jax.training.budget import Budget
from vae_jax.training.checkpoint import Best
from vae_jax.training.metrics import plain
from vae_jax.types import Metrics

Line = dict[str, Any]
"""A line of the metrics file."""


def next_duty(step: int, budget: Budget) -> int:
    """The next step at which a line, a validation or the end is due.

    Example:
        >>> budget = Budget(batch_size=8, num_steps=25, validate_every=10, log_every=4)
        >>> next_duty(0, budget), next_duty(8, budget), next_duty(24, budget)
        (4, 10, 25)
    """
    periods = (budget.log_every, budget.validate_every)
    return min(budget.num_steps, *((step // period + 1) * period for period in periods))


def is_due(period: int, step: int, budget: Budget) -> bool:
    """Whether what happens every `period` steps, and at the end, is due after a step."""
    return step % period == 0 or step == budget.num_steps


def training_line(step: int, sums: Metrics, num_summed: np.ndarray, num_skipped: np.ndarray) -> Line:
    """The means since the last line; None where nothing was summed."""
    means = {name: total / num_summed if num_summed else None for name, total in sums.items()}
    return plain({"step": step, "split": "train"} | means | {"num_skipped": num_skipped})


def validation_line(step: int, metrics: Line) -> Line:
    """The metrics of a validation, of which `value` decides about the best."""
    return plain({"step": step, "split": "validation"} | metrics)


def best_of(best: Best | None, line: Line) -> Best:
    """The best validation, with another one taken in; the first of equal ones."""
    value = float("-inf") if line["value"] is None else line["value"]
    if best is None or value > best.value:
        return Best(line["step"], value)
    return best._replace(num_validations_since=best.num_validations_since + 1)


def has_diverged(num_skipped_in_a_row: int | np.ndarray, budget: Budget) -> bool:
    """Whether so many steps in a row were not finite that a run ends."""
    return bool(num_skipped_in_a_row >= min(budget.max_skipped, budget.num_steps))


def ending(step: int, best: Best | None, budget: Budget) -> str:
    """The reason for which a run is finished after a step, in words; empty if it goes on."""
    if step >= budget.num_steps:
        return "all steps done"
    if budget.patience is not None and best is not None and best.num_validations_since >= budget.patience:
        return f"no new best in {budget.patience} validations"
    return ""
