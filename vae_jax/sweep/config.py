"""The options of the command line about sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sampler = Literal["tpe", "cma-es", "random", "sobol", "grid"]
Stopping = Literal["halving", "hyperband"]


@dataclass(frozen=True)
class SearchConfig:
    """How trials are chosen, in place of the product of all values."""

    sampler: Sampler | None = None
    """Who chooses; None for no search."""
    trials: int | None = None
    """How many in all; of a grid, its size."""
    stopping: Stopping | None = None
    """Who ends bad trials early, so that their lanes are free for others."""
    objectives: tuple[str, ...] = ("value",)
    """What is optimised: names of validation metrics at the best step, or nll."""
    storage: str | None = None
    """An Optuna storage by URL, such as sqlite:///study.db; None for a journal in the sweep's directory."""
    seed: int = 0
    """Of the sampler."""
