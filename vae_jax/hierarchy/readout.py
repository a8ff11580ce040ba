"""The likelihood of a hierarchy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vae_jax.hierarchy.groups import Group, Groups, Repeated, State
from vae_jax.types import Distribution, Params


@dataclass(frozen=True)
class Readout:
    """z -> p(x|z) of a hierarchy, and the same from the state that a pass has already reached."""

    params: Params
    start: State
    groups: Groups
    read: Callable[[Params, State], Distribution]

    def __call__(self, z: Mapping[str, Any]) -> Distribution:
        """p(x|z)."""
        state = self.start
        for name, entry in self.groups:
            state = entry.entered(self.params, state)
            if isinstance(entry, Repeated):
                inputs = (entry.params(self.params), z[name])
                state, _ = entry.run(name, functools.partial(_below, entry.group), state, inputs)
            else:
                state = entry.down(self.params, state, z[name])
        return self.of_state(state)

    def of_state(self, state: State) -> Distribution:
        """p(x|z) from the state below the last group."""
        return self.read(self.params, state)


def _below(group: Group, state: State, inputs: Any) -> tuple[State, None]:
    params, z = inputs
    return group.down(params, group.entered(params, state), z), None
