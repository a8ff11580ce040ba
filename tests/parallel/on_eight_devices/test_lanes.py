"""Lanes shared out over devices: as on one device, each with its part of the lanes, the data on all."""

from pathlib import Path

import jax
import numpy as np
import pytest
from tables import long_but

from vae_jax.catalogue import load_experiment
from vae_jax.messages import UsageError
from vae_jax.parallel.config import ParallelConfig
from vae_jax.parallel.mesh import make_lanes_mesh
from vae_jax.parallel.placement import Placement, on_one_device
from vae_jax.sweeps.lanes.family import Family
from vae_jax.sweeps.lanes.in_turn import InTurn
from vae_jax.sweeps.lanes.side_by_side import SideBySide

FILE = load_experiment(Path(__file__).parents[2] / "sweeps" / "small_experiment.py")
FAMILY = Family(FILE, FILE.Config(), None, FILE.data(FILE.Config()))
NUMBERS = [{"beta": 1.0 + slot, "learning_rate": 1e-2 / (1 + slot), "seed": slot} for slot in range(4)]
BATCH_SIZE = 10


def mesh(**options):
    return make_lanes_mesh(ParallelConfig(**options), BATCH_SIZE)


def trained(lanes):
    lanes.start(dict(enumerate(NUMBERS)))
    lanes.advance(range(4), 4)
    lanes.advance([1, 2], 2)
    lines = lanes.validate(range(4), FAMILY.experiment({}).dataset.split("validation").examples)
    return lanes.stacked().progress.state.params, [lines[slot]["value"] for slot in range(4)]


@pytest.fixture(scope="module")
def expected():
    return trained(SideBySide(FAMILY, NUMBERS[0], 4, on_one_device()))


def assert_same(found, expected):
    jax.tree.map(lambda leaf, other: np.testing.assert_allclose(leaf, other, atol=1e-6), found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5)


@pytest.mark.parametrize(
    "options",
    long_but(
        [{"devices": 4}, {"devices": 8, "data": 2}, {"devices": 4, "data": 1, "params": 2}],
        {"devices": 8, "data": 2},
        {"devices": 4, "data": 1, "params": 2},
    ),
)
def test_lanes_on_several_devices_are_as_on_one(expected, options):
    lanes = SideBySide(FAMILY, NUMBERS[0], 4, Placement(mesh(**options)))
    found = trained(lanes)
    assert_same(found, expected)
    num_runs = options["devices"] // options.get("data", 1) // options.get("params", 1)
    leaf = jax.tree.leaves(lanes.stacked())[0]
    assert leaf.sharding.spec[0] == "run"
    assert leaf.addressable_shards[0].data.shape[0] == 4 // num_runs


@pytest.mark.long
def test_in_turn_each_device_has_lanes_of_its_own(expected):
    lanes = InTurn(FAMILY, NUMBERS[0], 4, jax.devices()[:3])
    assert_same(trained(lanes), expected)
    devices = [next(iter(jax.tree.leaves(lanes.lane(slot))[0].devices())) for slot in range(4)]
    assert devices == [*jax.devices()[:3], jax.devices()[0]]


def test_the_mesh_of_lanes():
    assert dict(mesh().shape) == {"run": 8, "data": 1, "params": 1}
    assert dict(mesh(data=2).shape) == {"run": 4, "data": 2, "params": 1}
    assert dict(mesh(devices=6, data=1, params=2).shape) == {"run": 3, "data": 1, "params": 2}
    with pytest.raises(UsageError, match="divide"):
        mesh(data=4)
    with pytest.raises(UsageError, match="devices"):
        mesh(devices=9)
