"""Which way lanes are mapped: measured once, remembered by the program and the machine, and never in the way."""

import dataclasses
import json
import os
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest

from vae_jax.catalogue import load_experiment
from vae_jax.parallel.mesh import mesh_of
from vae_jax.parallel.placement import Placement
from vae_jax.sweeps.lanes import pace as paces
from vae_jax.sweeps.lanes.family import Family
from vae_jax.sweeps.lanes.pace import lanes_of

TINY = Path(__file__).parent.parent / "tiny_experiment.py"
NUMBERS = {"learning_rate": 1e-2}
TOGETHER = "4 lanes side by side, 4.0 times as fast as in turn"
ALONE = "4 lanes in turn, 2.5 times as fast as side by side"


class Lanes:
    """Lanes that take as long as they are told to, and nothing else."""

    def __init__(self, way, num_slots, seconds):
        self.way, self.num_slots, self.seconds = way, num_slots, seconds


class Machine:
    """Which ways are fast: seconds a step of all lanes takes side by side, and of one lane alone."""

    def __init__(self, caches):
        self.side_by_side, self.alone = 1.0, 1.0
        self.num_measured = 0
        self.said: list[str] = []
        self.file = caches / "vae_jax" / "paces.json"

    def measure(self, lanes, numbers, num_slots):
        assert (lanes.num_slots, numbers) == (num_slots, NUMBERS)
        self.num_measured += 1
        return lanes.seconds

    def lanes(self, family, num_slots=4, *, way="auto", devices=None, placement=None):
        placement = placement or Placement(mesh_of(jax.devices()[:1] if devices is None else devices))
        found = lanes_of(family, NUMBERS, num_slots, placement, way, self.said.append)
        return found.way


@pytest.fixture
def machine(tmp_path, monkeypatch):
    machine = Machine(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        paces, "SideBySide", lambda _, __, num, placement: Lanes("side by side", num, machine.side_by_side)
    )
    monkeypatch.setattr(paces, "InTurn", lambda _, __, num, devices: Lanes("in turn", num, machine.alone))
    monkeypatch.setattr(paces, "_seconds", machine.measure)
    return machine


@pytest.fixture(scope="module")
def family():
    file = load_experiment(TINY)
    return Family(file, file.Config(), None, file.data(file.Config()))


def test_the_faster_way_is_taken_and_remembered(machine, family):
    assert machine.lanes(family) == "side by side"
    machine.side_by_side = 100.0  # it is not measured again
    assert machine.lanes(family) == "side by side"
    assert machine.said == [f"{TOGETHER} (measured)", f"{TOGETHER} (measured before)"]
    assert machine.num_measured == 2
    assert list(json.loads(machine.file.read_text()).values()) == [[1.0, 4.0]]


def test_in_turn_where_that_is_faster(machine, family):
    machine.side_by_side = 10.0
    assert machine.lanes(family) == "in turn"
    assert machine.lanes(family) == "in turn"
    assert machine.said == [f"{ALONE} (measured)", f"{ALONE} (measured before)"]


def test_it_is_measured_again_where_the_program_or_the_number_of_lanes_is_another(machine, family):
    machine.lanes(family)
    config = family.config
    for other in ({"latent_size": 3}, {"batch_size": 50}, {"hidden_sizes": (16, 16)}):
        machine.lanes(family._replace(config=dataclasses.replace(config, **other)))
    machine.lanes(family, 5)
    assert machine.num_measured == 2 * 5
    assert len(json.loads(machine.file.read_text())) == 5
    # What no step depends on makes no other program; nor does another value of what lanes differ in.
    machine.lanes(family._replace(config=dataclasses.replace(config, validate_every=3, learning_rate=7.0)))
    machine.lanes(family._replace(num_steps=9))
    assert machine.num_measured == 2 * 5


def test_another_machine_measures_for_itself(machine, family, monkeypatch):
    machine.lanes(family)
    monkeypatch.setattr(os, "cpu_count", lambda: 77)
    machine.lanes(family)
    assert machine.num_measured == 4


@pytest.mark.parametrize(("way", "found"), [("vmap", "side by side"), ("loop", "in turn")])
def test_a_way_that_is_asked_for_is_not_measured(machine, family, way, found):
    assert machine.lanes(family, way=way) == found
    assert (machine.num_measured, machine.said, machine.file.exists()) == (0, [], False)


def test_one_lane_alone_and_lanes_over_several_devices_have_one_way(machine, family):
    assert machine.lanes(family, 1) == "side by side"
    mesh = SimpleNamespace(devices=mesh_of(jax.devices()[:1]).devices, size=2)
    assert machine.lanes(family, 4, way="loop", placement=SimpleNamespace(mesh=mesh)) == "side by side"
    assert machine.num_measured == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"null",
        b'{"KEY": 7}',
        b'{"KEY": [1.0]}',
        b'{"KEY": [1.0, 2.0, 3.0]}',
        b'{"KEY": ["fast", "slow"]}',
        b'{"KEY": [0.0, 0.0]}',
        b'{"KEY": [NaN, 1.0]}',
        b'{"KEY": [1.0, NaN]}',
        b'{"other": [1.0, Infinity]}',
        b'{"KEY": null}',
    ],
)
def test_a_damaged_file_is_as_good_as_none(machine, family, content, monkeypatch):
    monkeypatch.setattr(paces, "_key", lambda *_: "KEY")
    machine.file.parent.mkdir(parents=True)
    machine.file.write_bytes(content)
    assert machine.lanes(family) == "side by side"
    assert machine.said == [f"{TOGETHER} (measured)"]
    assert json.loads(machine.file.read_text()) == {"KEY": [1.0, 4.0]}


def test_what_others_have_measured_is_kept(machine, family, monkeypatch):
    monkeypatch.setattr(paces, "_key", lambda *_: "KEY")
    machine.file.parent.mkdir(parents=True)
    machine.file.write_text('{"other": [3.0, 2.0]}')
    machine.lanes(family)
    assert json.loads(machine.file.read_text()) == {"other": [3.0, 2.0], "KEY": [1.0, 4.0]}


@pytest.mark.parametrize("in_the_way", ["vae_jax", "vae_jax/paces.json/folder"])
def test_a_cache_that_cannot_be_made_is_no_error(machine, family, tmp_path, in_the_way, monkeypatch):
    monkeypatch.setattr(paces, "_key", lambda *_: "KEY")
    path = tmp_path / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file")
    assert machine.lanes(family) == "side by side"
    assert machine.lanes(family) == "side by side"
    assert machine.said == [f"{TOGETHER} (measured)"] * 2
    assert path.read_text() == "a file"


def test_a_full_disk_and_a_user_without_a_home_are_no_errors(machine, family, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(paces, "_key", lambda *_: "KEY")
    monkeypatch.setattr(paces, "write_json", full)
    assert machine.lanes(family) == "side by side"
    monkeypatch.setattr(paces, "default_directory", lambda _: None)
    assert machine.lanes(family) == "side by side"
    assert machine.said == [f"{TOGETHER} (measured)"] * 2


def test_the_paces_of_a_way_are_seconds_a_step(monkeypatch):
    """Of lanes whose steps take 10 ms each of a clock made by hand, after a first call that takes long."""
    now = [0.0]

    class Slow:
        num_steps = 0

        def start(self, numbers):
            assert numbers == {0: NUMBERS, 1: NUMBERS}

        def advance(self, slots, num_steps):
            assert list(slots) == [0, 1]
            now[0] += num_steps * 0.01 if self.num_steps else 60.0
            self.num_steps += num_steps

        def take_sums(self, slots):
            return {}

    monkeypatch.setattr(paces, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    lanes = Slow()
    assert paces._seconds(lanes, NUMBERS, 2) == pytest.approx(0.01)
    assert 0.3 / 0.01 <= lanes.num_steps - 2 <= 0.3 / 0.01 + 4
