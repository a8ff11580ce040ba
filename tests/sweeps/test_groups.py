"""Lanes that differ in nothing but what makes groups: without numbers to stack, they are trained all the same."""

from pathlib import Path

import jax
import numpy as np
import pytest

from vae_jax.catalogue import load_experiment
from vae_jax.parallel.mesh import mesh_of
from vae_jax.parallel.placement import Placement
from vae_jax.sweeps.lanes.family import Family, side_by_side
from vae_jax.sweeps.lanes.in_turn import InTurn
from vae_jax.sweeps.lanes.lanes import first_of_lanes
from vae_jax.sweeps.lanes.side_by_side import SideBySide

TINY = Path(__file__).parent.parent / "tiny_experiment.py"


@pytest.fixture(scope="module")
def family():
    file = load_experiment(TINY)
    return Family(file, file.Config(), None, file.data(file.Config()))


@pytest.mark.parametrize(
    ("numbers", "fields"),
    [
        ({"learning_rate": 1e-2, "seed": 3, "latent_size": 4}, ("learning_rate", "seed")),
        ({"learning_rate": 1e-2, "seed": 2**31 - 1}, ("learning_rate", "seed")),
        ({"learning_rate": 1e-2, "seed": 2**31}, ("learning_rate",)),
        ({"hidden_sizes": (8,), "batch_size": 50}, ()),
    ],
)
def test_floats_and_small_seeds_are_side_by_side_and_all_else_makes_groups(family, numbers, fields):
    assert side_by_side(family, numbers) == fields


def test_lanes_without_numbers_are_as_many_as_are_asked_for(family):
    lanes = jax.eval_shape(lambda: first_of_lanes(family, {}, 3))
    assert {leaf.shape[0] for leaf in jax.tree.leaves(lanes)} == {3}


@pytest.mark.parametrize("way", ["side by side", "in turn"])
def test_a_lane_without_numbers_is_trained(family, way):
    devices = jax.local_devices()[:1]
    lanes = (
        SideBySide(family, {}, 1, Placement(mesh_of(devices)))
        if way == "side by side"
        else InTurn(family, {}, 1, devices)
    )
    lanes.start({0: {}})
    before = jax.tree.map(np.asarray, lanes.lane(0).progress.state.params)
    lanes.advance([0], 2)
    state = lanes.lane(0).progress.state
    assert int(state.step) == 2
    moved = jax.tree.map(lambda one, other: float(np.abs(one - np.asarray(other)).max()), before, state.params)
    assert min(jax.tree.leaves(moved)) > 0
    assert jax.tree.map(np.shape, lanes.abstract()) == jax.tree.map(np.shape, lanes.stacked())
