"""Lanes: runs of a family that are trained together, and the interface that both ways of training share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from vae_jax.data.examples import Examples
from vae_jax.parallel.placement import Placement, on_one_device
from vae_jax.sweeps.lanes.family import Family, Numbers, traced
from vae_jax.training.advance import Progress, first_progress, next_progress
from vae_jax.types import Metrics


class LaneState(NamedTuple):
    """The state of a lane."""

    progress: Progress
    best: Progress
    """The progress at the best validation."""


class Sums(NamedTuple):
    """The sums since the last line of metrics, on the host."""

    sums: Metrics
    num_summed: np.ndarray
    num_skipped: np.ndarray
    num_skipped_in_a_row: np.ndarray


class Lanes(Protocol):
    """Slots with a lane each. The caller keeps track of the slots that are in use."""

    num_slots: int

    def start(self, numbers: Mapping[int, Numbers]) -> None:
        """Begin new lanes in some slots: slot -> its numbers."""
        ...

    def advance(self, slots: Sequence[int], num_steps: int) -> None:
        """Train some lanes for so many steps; the others stay as they are."""
        ...

    def take_sums(self, slots: Sequence[int]) -> dict[int, Sums]:
        """Return what some lanes have summed, and start their sums anew."""
        ...

    def validate(self, slots: Sequence[int], examples: Examples) -> dict[int, dict[str, Any]]:
        """The validation of some lanes."""
        ...

    def keep_best(self, slots: Sequence[int]) -> None:
        """Keep the present state of some lanes as their best."""
        ...

    def lane(self, slot: int) -> LaneState:
        """One lane alone."""
        ...

    def stacked(self) -> LaneState:
        """All slots, stacked along a first axis."""
        ...

    def abstract(self) -> LaneState:
        """Shapes and types of `stacked`."""
        ...

    def clear(self) -> None:
        """Free the memory; `start` or `put` comes next."""
        ...

    def put(self, lanes: LaneState, numbers: Sequence[Numbers]) -> None:
        """Replace the states and the numbers of all slots."""
        ...


def choose(is_chosen: Bool[Array, "*slots"], chosen: Any, others: Any) -> Any:
    """The chosen lanes from one tree, and the others from another."""

    def of_leaf(chosen: Array, other: Array) -> Array:
        return jnp.where(is_chosen.reshape(is_chosen.shape + (1,) * (chosen.ndim - is_chosen.ndim)), chosen, other)

    return jax.tree.map(of_leaf, chosen, others)


def first_of_lane(family: Family, numbers: Numbers) -> LaneState:
    """The state of a lane before its first step. A pure function."""
    experiment = family.experiment(numbers)
    key, feed = experiment.key_and_feed()
    progress = first_progress(experiment.trainer, feed, key)
    return LaneState(progress, jax.tree.map(jnp.copy, progress))


def first_of_lanes(family: Family, numbers: dict[str, Array], num_lanes: int) -> LaneState:
    """The stacked states of lanes before their first step. Pure. Lanes that differ in nothing have no numbers."""
    return jax.vmap(partial(first_of_lane, family), axis_size=num_lanes)(numbers)


def next_of_lane(family: Family, placement: Placement, progress: Progress, numbers: Numbers, examples: Any) -> Progress:
    """The progress of a lane after one more step. A pure function."""
    experiment = family.experiment(numbers)
    _, feed = experiment.key_and_feed()
    return next_progress(experiment.trainer, feed, placement, progress, examples)


def abstract_step(family: Family, numbers: Numbers) -> tuple[Callable[..., Progress], tuple[Any, ...]]:
    """A lane's step on one device, and the shapes of its arguments: for an analysis without computing."""
    _, feed = family.experiment(numbers).key_and_feed()
    arrays = traced(numbers)
    lane = jax.eval_shape(partial(first_of_lane, family), arrays)
    examples = jax.tree.map(lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype), feed.examples)
    return partial(next_of_lane, family, on_one_device()), (lane.progress, arrays, examples)


def sums_of(lanes: LaneState) -> Sums:
    """The sums of one lane, or of several stacked ones."""
    (state, sums, num_summed), _ = lanes
    return Sums(*jax.device_get((sums, num_summed, state.num_skipped, state.num_skipped_in_a_row)))


def with_new_sums(lanes: LaneState, is_new: Bool[Array, "*slots"]) -> LaneState:
    """The lanes, with the sums of the chosen ones set to zero."""
    progress = lanes.progress
    kept = progress.sums, progress.num_summed
    sums, num_summed = choose(is_new, jax.tree.map(jnp.zeros_like, kept), kept)
    return lanes._replace(progress=progress._replace(sums=sums, num_summed=num_summed))
