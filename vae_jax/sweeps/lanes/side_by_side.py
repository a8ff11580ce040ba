"""Lanes trained side by side in one program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from vae_jax.data.examples import Examples
from vae_jax.evaluation import lanes_validator
from vae_jax.parallel.placement import Placement
from vae_jax.sweeps.lanes.family import Family, Lane, Numbers, stacked_numbers
from vae_jax.sweeps.lanes.lanes import LaneState, Sums, choose, first_of_lanes, next_of_lane, sums_of, with_new_sums
from vae_jax.training import params_to_evaluate
from vae_jax.training.advance import loops_in_python, placed_examples

VALIDATED_AT_ONCE = 50_000
"""Maximum of examples times lanes that a validation keeps in memory at once."""


class SideBySide:
    """All slots in one program by `jax.vmap`, shared out over the devices along the mesh's axis "run".

    Args:
        family: Family of the lanes.
        numbers: Numbers of any lane: its fields are those that lanes may differ in.
        num_slots: Number of slots, a multiple of the number of devices along "run".
        placement: The devices of the lanes.
    """

    def __init__(self, family: Family, numbers: Numbers, num_slots: int, placement: Placement) -> None:
        self.num_slots = num_slots
        self._numbers = [dict(numbers)] * num_slots
        experiment = family.experiment(numbers)
        _, self._feed = experiment.key_and_feed()
        self._placement = placement
        first = lambda numbers: first_of_lanes(family, numbers, num_slots)
        self._shapes = jax.eval_shape(first, stacked_numbers(self._numbers))
        self._shardings = placement.of_lanes(self._shapes)
        compiled = partial(jax.jit, donate_argnums=0, out_shardings=self._shardings)
        self._first = jax.jit(first, out_shardings=self._shardings)

        def step(lanes: LaneState, numbers: dict[str, Array], examples: Any, is_active: Bool[Array, " slots"]) -> Any:
            of_lane = partial(next_of_lane, family, placement)
            progress = jax.vmap(of_lane, in_axes=(0, 0, None), spmd_axis_name="run")(lanes.progress, numbers, examples)
            return lanes._replace(progress=choose(is_active, progress, lanes.progress))

        @compiled
        def many(lanes: LaneState, numbers: Any, examples: Any, is_active: Any, num_steps: Any) -> LaneState:
            body = lambda _, lanes: step(lanes, numbers, examples, is_active)
            return jax.lax.fori_loop(0, num_steps, body, lanes)

        self._many, self._one = many, compiled(step)
        self._loops_in_python = loops_in_python(experiment.trainer, self._feed)
        self._restart = compiled(lambda lanes, new, is_new: choose(is_new, new, lanes))
        self._keep_best = compiled(lambda lanes, is_best: lanes._replace(best=choose(is_best, *lanes)))
        self._new_sums = compiled(with_new_sums)
        at_once = VALIDATED_AT_ONCE // (num_slots // placement.mesh.shape["run"])
        self._validate = lanes_validator(family.fitted, batch_size=min(max(at_once, 10), 500))
        self.clear()

    def start(self, numbers: Mapping[int, Numbers]) -> None:
        """Begin new lanes in some slots."""
        for slot, of_slot in numbers.items():
            self._numbers[slot] = dict(of_slot)
        new = self._first(stacked_numbers(self._numbers))
        self._lanes = new if self._lanes is None else self._restart(self._lanes, new, self._mask(numbers))

    def advance(self, slots: Sequence[int], num_steps: int) -> None:
        """Train some lanes, and leave the others."""
        if self._examples is None:
            self._examples = placed_examples(self._feed, self._placement)
        arguments = (stacked_numbers(self._numbers), self._examples, self._mask(slots))
        if not self._loops_in_python:
            self._lanes = self._many(self._lanes, *arguments, num_steps)
            return
        for _ in range(num_steps):
            self._lanes = self._one(self._lanes, *arguments)

    def take_sums(self, slots: Sequence[int]) -> dict[int, Sums]:
        """Return what some lanes have summed, and start their sums anew."""
        sums = sums_of(self._lanes)
        self._lanes = self._new_sums(self._lanes, self._mask(slots))
        return {slot: jax.tree.map(lambda array, slot=slot: array[slot], sums) for slot in slots}

    def validate(self, slots: Sequence[int], examples: Examples) -> dict[int, dict[str, Any]]:
        """The validation of some lanes, which takes as long as that of all."""
        lanes = Lane(stacked_numbers(self._numbers), jax.vmap(params_to_evaluate)(self._lanes.progress.state))
        lines = self._validate(lanes, examples)
        return {slot: lines[slot] for slot in slots}

    def keep_best(self, slots: Sequence[int]) -> None:
        """Keep the present state of some lanes as their best."""
        self._lanes = self._keep_best(self._lanes, self._mask(slots))

    def lane(self, slot: int) -> LaneState:
        """One lane alone."""
        return jax.tree.map(lambda array: array[slot], self._lanes)

    def stacked(self) -> LaneState:
        """All slots, stacked along a first axis."""
        return self._lanes

    def put(self, lanes: LaneState, numbers: Sequence[Numbers]) -> None:
        """Replace the states and the numbers of all slots."""
        self._numbers = [dict(of_slot) for of_slot in numbers]
        self._lanes = jax.device_put(lanes, self._shardings)

    def abstract(self) -> LaneState:
        """Shapes, types and shardings of all slots."""
        return jax.tree.map(
            lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            self._shapes,
            self._shardings,
        )

    def clear(self) -> None:
        """Free the memory; `start` or `put` comes next."""
        self._lanes: Any = None
        self._examples: Any = None

    def _mask(self, slots: Any) -> Array:
        return jnp.zeros(self.num_slots, bool).at[jnp.asarray(list(slots), jnp.int32)].set(True)
