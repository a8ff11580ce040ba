"""Evolution: when the lanes of a stack learn from each other, and the record that is kept of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vae_jax.files import write_bytes
from vae_jax.keys import key_of
from vae_jax.sweeps.config import EvolutionConfig
from vae_jax.sweeps.lanes.family import stacked_numbers
from vae_jax.sweeps.lanes.lanes import Lanes
from vae_jax.sweeps.lanes.population_based import next_generation
from vae_jax.sweeps.lanes.slot import Slot

HISTORY = "evolution.jsonl"


class Evolution(NamedTuple):
    """The schedule by which lanes learn from each other, and its record."""

    config: EvolutionConfig
    bounds: Mapping[str, tuple[float, float]]
    """Field -> the interval that its values stay in, for all fields that are perturbed."""
    every: int
    """Steps from one generation to the next."""

    def after_round(self, slots: Sequence[Slot | None], lanes: Lanes) -> None:
        """Make the next generation, if it is due: when all lanes that go on are at the same step.

        The parent that a lane goes on from is noted in the lane's `evolution.jsonl`.
        """
        going_on = {index: slot for index, slot in enumerate(slots) if slot is not None and slot.ending is None}
        steps = {slot.step for slot in going_on.values()}
        if len(steps) != 1 or len(going_on) < 2 or (step := steps.pop()) == 0 or step % self.every:
            return
        indices = jnp.asarray(list(going_on))
        stacked = lanes.stacked()
        numbers = stacked_numbers([slot.numbers for slot in going_on.values()])
        key = jax.random.fold_in(key_of(min(slot.trial.number for slot in going_on.values())), step)
        values = [slot.validations[-1]["value"] for slot in going_on.values()]
        scores = jnp.asarray([-np.inf if value is None else value for value in values])
        lanes_after, numbers_after, parents = next_generation(
            key,
            jax.tree.map(lambda array: array[indices], stacked),
            numbers,
            scores,
            bounds=self.bounds,
            share=self.config.share,
            factor=self.config.factor,
        )
        moved = dict(zip(going_on, np.asarray(parents).tolist(), strict=True))
        members = list(going_on.values())
        for row, (index, slot) in enumerate(going_on.items()):
            if members[moved[index]] is not slot:
                changed = {name: float(numbers_after[name][row]) for name in self.bounds}
                self._note(slot, members[moved[index]], changed)
        lanes.put(
            jax.tree.map(lambda array, after: array.at[indices].set(after), stacked, lanes_after),
            [slot.numbers if slot else members[0].numbers for slot in slots],
        )

    def forget_after(self, slot: Slot) -> None:
        """Remove the lines that were noted about a lane after it was saved: those steps will be done again."""
        path = slot.run.path / HISTORY
        if path.is_file():
            lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
            write_bytes(path, b"".join(line for line in lines if json.loads(line)["step"] <= slot.step))

    def _note(self, slot: Slot, parent: Slot, changed: dict[str, float]) -> None:
        slot.numbers |= changed
        line = {"step": slot.step, "parent": parent.trial.number} | changed
        with (slot.run.path / HISTORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
