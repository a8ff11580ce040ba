"""Lanes trained one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from vae_jax.data.examples import Examples
from vae_jax.evaluation import validator
from vae_jax.parallel.mesh import mesh_of
from vae_jax.parallel.placement import Placement
from vae_jax.sweeps.lanes.family import Family, Lane, Numbers, stacked_numbers, traced
from vae_jax.sweeps.lanes.lanes import (
    LaneState,
    Sums,
    first_of_lane,
    first_of_lanes,
    next_of_lane,
    sums_of,
    with_new_sums,
)
from vae_jax.training import params_to_evaluate
from vae_jax.training.advance import Progress, loops_in_python, placed_examples


class InTurn:
    """Slots trained one after another, by a program that is compiled for one lane: where `jax.vmap` does not pay.

    Args:
        family: Family of the lanes.
        numbers: Numbers of any lane: its fields are those that lanes may differ in.
        num_slots: Number of slots.
        devices: Devices that the slots are spread over, each slot on one.
    """

    def __init__(self, family: Family, numbers: Numbers, num_slots: int, devices: Sequence[Any]) -> None:
        self.num_slots = num_slots
        programs = [_OneLane(family, numbers, Placement(mesh_of([device]))) for device in devices]
        self._programs = [programs[slot % len(programs)] for slot in range(num_slots)]
        self._numbers = [traced(numbers)] * num_slots
        stacked = stacked_numbers([numbers] * num_slots)
        self._shapes = jax.eval_shape(lambda: first_of_lanes(family, stacked, num_slots))
        self._new_sums = jax.jit(with_new_sums, donate_argnums=0)
        self._validate = validator(family.fitted)
        self.clear()

    def start(self, numbers: Mapping[int, Numbers]) -> None:
        """Begin new lanes in some slots."""
        for slot, of_slot in numbers.items():
            self._numbers[slot] = traced(of_slot)
            self._lanes[slot] = self._programs[slot].first(self._numbers[slot])

    def advance(self, slots: Sequence[int], num_steps: int) -> None:
        """Train some lanes, one after another on each device."""
        for slot in slots:
            lane = self._lanes[slot]
            progress = self._programs[slot].advance(lane.progress, self._numbers[slot], num_steps)
            self._lanes[slot] = lane._replace(progress=progress)

    def take_sums(self, slots: Sequence[int]) -> dict[int, Sums]:
        """Return what some lanes have summed, and start their sums anew."""
        sums = {slot: sums_of(self._lanes[slot]) for slot in slots}
        for slot in slots:
            self._lanes[slot] = self._new_sums(self._lanes[slot], np.asarray(True))
        return sums

    def validate(self, slots: Sequence[int], examples: Examples) -> dict[int, dict[str, Any]]:
        """The validation of some lanes."""
        return {
            slot: self._validate(
                Lane(self._numbers[slot], params_to_evaluate(self._lanes[slot].progress.state)), examples
            )
            for slot in slots
        }

    def keep_best(self, slots: Sequence[int]) -> None:
        """Keep the present state of some lanes as their best."""
        for slot in slots:
            progress = self._lanes[slot].progress
            self._lanes[slot] = LaneState(progress, jax.tree.map(jnp.copy, progress))

    def lane(self, slot: int) -> LaneState:
        """One lane alone."""
        return self._lanes[slot]

    def stacked(self) -> LaneState:
        """All slots, stacked along a first axis."""
        # The state of a free slot is never used; that of another slot stands in for it.
        anything = next(lane for lane in self._lanes if lane is not None)
        lanes = [anything if lane is None else lane for lane in self._lanes]
        here = jax.device_put(lanes, self._programs[0].placement.everywhere)
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *here)

    def abstract(self) -> LaneState:
        """Shapes and types of all slots."""
        return self._shapes

    def clear(self) -> None:
        """Free the memory; `start` or `put` comes next."""
        self._lanes: list[Any] = [None] * self.num_slots
        for program in self._programs:
            program.clear()

    def put(self, lanes: LaneState, numbers: Sequence[Numbers]) -> None:
        """Replace the states and the numbers of all slots."""
        self._numbers = [traced(of_slot) for of_slot in numbers]
        self._lanes = [
            jax.device_put(jax.tree.map(lambda array, slot=slot: array[slot], lanes), program.placement.everywhere)
            for slot, program in enumerate(self._programs)
        ]


class _OneLane:
    """The program of one lane on one device."""

    def __init__(self, family: Family, numbers: Numbers, placement: Placement) -> None:
        experiment = family.experiment(numbers)
        _, self._feed = experiment.key_and_feed()
        self.placement = placement
        self._examples: Any = None
        self._loops_in_python = loops_in_python(experiment.trainer, self._feed)
        step = partial(next_of_lane, family, placement)

        @partial(jax.jit, donate_argnums=0)
        def many(progress: Progress, numbers: dict[str, Array], examples: Any, num_steps: Any) -> Progress:
            return jax.lax.fori_loop(0, num_steps, lambda _, progress: step(progress, numbers, examples), progress)

        self._many, self._one = many, jax.jit(step, donate_argnums=0)
        self._first = jax.jit(partial(first_of_lane, family), out_shardings=placement.everywhere)

    def first(self, numbers: dict[str, Array]) -> LaneState:
        return self._first(numbers)

    def clear(self) -> None:
        self._examples = None

    def advance(self, progress: Progress, numbers: dict[str, Array], num_steps: int) -> Progress:
        if self._examples is None:
            self._examples = placed_examples(self._feed, self.placement)
        if not self._loops_in_python:
            return self._many(progress, numbers, self._examples, num_steps)
        for _ in range(num_steps):
            progress = self._one(progress, numbers, self._examples)
        return progress
