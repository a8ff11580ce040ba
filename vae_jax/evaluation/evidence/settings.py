"""The options of annealing; without JAX, so that a command line can read them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Annealing:
    """Options of annealed importance sampling: how chains are led from the prior to the posterior."""

    chains: int = 8
    """Number of chains for each example."""
    temperatures: int = 500
    """Number of temperatures between the prior and the posterior, with one transition at each."""
    leapfrog_steps: int = 5
    """Number of leapfrog steps of a transition."""
    acceptance: float = 0.65
    """Acceptance that the step sizes are steered to."""

    def __post_init__(self) -> None:
        for name in ("chains", "temperatures", "leapfrog_steps"):
            if (number := getattr(self, name)) < 1:
                raise ValueError(f"expected {name} of at least 1; got {number}")
        if not 0 < self.acceptance < 1:
            raise ValueError(f"expected an acceptance between 0 and 1; got {self.acceptance}")
