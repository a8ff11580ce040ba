"""The steps of a run to profile."""

from __future__ import annotations

import re
from typing import NamedTuple

from vae_jax.messages import UsageError


class ProfiledSteps(NamedTuple):
    """Steps of a run, those numbered `begin` to `end` − 1; the first step of all is number 0."""

    begin: int
    end: int

    def check(self, first: int, end: int) -> None:
        """Check that a run will do these steps.

        Args:
            first: The step that the run goes on from.
            end: The step that the run ends at.

        Raises:
            UsageError: If the run will not do all of them.
        """
        if not first <= self.begin < self.end <= end:
            raise UsageError(
                f"expected --profile within the steps that are to come, {first}:{end}; got {self.begin}:{self.end}; "
                "--num-steps says how many there are"
            )


def profiled_steps(text: str | None) -> ProfiledSteps | None:
    """The steps that an option `A:B` names, B excluded; None for no option.

    Raises:
        UsageError: If the option is not of this form, or names no step.

    Example:
        >>> profiled_steps("100:110")
        ProfiledSteps(begin=100, end=110)
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+):(\d+)", text, flags=re.ASCII)
    if not found or int(found[1]) >= int(found[2]):
        raise UsageError(f"expected --profile A:B with steps 0 ≤ A < B; got {text}; 100:110 profiles steps 100 to 109")
    return ProfiledSteps(int(found[1]), int(found[2]))
