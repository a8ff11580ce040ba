"""The options of annealing; without JAX, so that a command line can read them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Annealing:
    """Options of annealed importance sampling: how chains are led from the prior to the posterior."""

    chains: int = 8
    """Number of chains for each example, at least 2."""
    temperatures: int = 500
    """Number of temperatures between the prior and the posterior, with one transition at each, at least 2."""
    leapfrog_steps: int = 5
    """Number of leapfrog steps of a transition."""
    acceptance: float = 0.65
    """Acceptance that the step sizes are steered to."""

    def __post_init__(self) -> None:
        # One chain has no error, and one temperature no way back.
        for name, least in (("chains", 2), ("temperatures", 2), ("leapfrog_steps", 1)):
            if (number := getattr(self, name)) < least:
                raise ValueError(f"expected {name} of at least {least}; got {number}")
        if not 0 < self.acceptance < 1:
            raise ValueError(f"expected an acceptance between 0 and 1; got {self.acceptance}")
