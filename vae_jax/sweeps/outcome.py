"""How a worker's part of a sweep ended, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vae_jax.sweeps.sweep import Sweep


def outcome_in_words(sweep: Sweep, *, is_done: bool) -> list[str]:
    """What there is to be said to who has started it."""
    path = sweep.directory.path
    states = Counter(sweep.directory.status(number) for number in sweep.lane_numbers())
    lanes = ", ".join(f"{num} {state}" for state, num in sorted(states.items()))
    if not is_done:
        return [f"stopped by a signal, saved ({lanes}); go on with: vae-jax resume {path}"]
    lines = [f"lanes: {lanes}"]
    if states["running"]:
        lines.append("other workers are at the running ones")
    lines.append(f"compare them: vae-jax compare {path}")
    return lines
