"""Lanes do what single runs do, whatever they share a program with."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.catalogue import load_experiment, shipped
from vae_jax.config.fields import fields_of, with_fields
from vae_jax.evaluation import evaluator, validator
from vae_jax.messages import UsageError
from vae_jax.parallel.placement import on_one_device
from vae_jax.sweeps.lanes.family import Family, Lane, side_by_side, traced
from vae_jax.sweeps.lanes.in_turn import InTurn
from vae_jax.sweeps.lanes.side_by_side import SideBySide
from vae_jax.training.advance import advance, start

FILE = load_experiment(Path(__file__).parent / "small_experiment.py")
FAMILY = Family(FILE, FILE.Config(), None, FILE.data(FILE.Config()))
NUMBERS = [
    {"beta": 1.0, "learning_rate": 1e-2, "scale": 0.5, "offset": 0.0, "seed": 0},
    {"beta": 4.0, "learning_rate": 3e-2, "scale": 0.3, "offset": 1.0, "seed": 0},
    {"beta": 0.5, "learning_rate": 1e-3, "scale": 0.8, "offset": 0.5, "seed": 123456789},
    {"beta": 1.0, "learning_rate": 1e-2, "scale": 0.5, "offset": 0.0, "seed": -3},
]
WAYS = {
    "side by side": lambda num: SideBySide(FAMILY, NUMBERS[0], num, on_one_device()),
    "in turn": lambda num: InTurn(FAMILY, NUMBERS[0], num, jax.devices()[:1]),
}


@pytest.fixture(scope="module", params=WAYS)
def lanes(request):
    """Compiled once for all tests; each begins anew."""
    return WAYS[request.param](len(NUMBERS))


@pytest.fixture
def begun(lanes):
    lanes.clear()
    lanes.start(dict(enumerate(NUMBERS)))
    return lanes


def single(numbers, num_steps):
    """The same by the functions that a single run is trained with, its numbers plain."""
    experiment = FAMILY.experiment(numbers)
    key, feed = experiment.key_and_feed()
    progress = start(experiment.trainer, feed, key)
    return advance(experiment.trainer, feed)(progress, iter(()), num_steps)


def assert_same(progress, expected, rtol):
    assert jax.tree.structure(progress) == jax.tree.structure(expected)
    leaves = (map(numbers_of, jax.tree.leaves(tree)) for tree in (progress, expected))
    for leaf, other in zip(*leaves, strict=True):
        assert (leaf.dtype, leaf.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(leaf, other, rtol=rtol, atol=rtol * np.abs(other).max(initial=0))


def numbers_of(leaf):
    return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)


@pytest.mark.parametrize("slot", range(len(NUMBERS)))
def test_a_lane_is_the_single_run_with_its_numbers(begun, slot):
    """Parameters, the optimizer's state, the average, and the sums of metrics."""
    begun.advance(range(len(NUMBERS)), 12)
    assert_same(begun.lane(slot).progress, single(NUMBERS[slot], 12), rtol=2e-5)


def test_seeds_tell_lanes_apart(begun):
    """Two lanes that differ in nothing else have other parameters, other noise and other batches."""
    begun.advance(range(4), 3)
    first, last = begun.lane(0).progress, begun.lane(3).progress
    for leaf, other in zip(jax.tree.leaves(first.state.params), jax.tree.leaves(last.state.params), strict=True):
        assert not np.allclose(leaf, other)
    assert not np.allclose(first.sums["value"], last.sums["value"])


def test_what_is_not_trained_stays_as_it_is_bit_for_bit(begun):
    begun.advance(range(4), 2)
    before = [jax.tree.map(np.asarray, numbered(begun.lane(slot))) for slot in range(4)]
    begun.advance([1, 3], 3)
    begun.keep_best([3])
    begun.take_sums([1])
    begun.start({2: NUMBERS[0]})
    jax.tree.map(np.testing.assert_array_equal, numbered(begun.lane(0)), before[0])
    assert int(begun.lane(1).progress.state.step) == 5
    jax.tree.map(np.testing.assert_array_equal, numbered(begun.lane(1).best), before[1].best)
    jax.tree.map(np.testing.assert_array_equal, *map(numbered, begun.lane(3)))
    assert_same(begun.lane(2).progress, single(NUMBERS[0], 0), rtol=1e-6)


def numbered(tree):
    return jax.tree.map(numbers_of, tree)


def test_sums_are_those_of_the_steps_since_they_were_taken(begun):
    begun.advance(range(4), 4)
    first = begun.take_sums([0, 1])
    begun.advance(range(4), 2)
    second = begun.take_sums([0, 2])
    expected = {slot: single(NUMBERS[slot], 6) for slot in (0, 2)}
    assert sorted(first) == [0, 1]
    assert [int(second[slot].num_summed) for slot in (0, 2)] == [2, 6]
    np.testing.assert_allclose(second[2].sums["value"], expected[2].sums["value"], rtol=1e-5)
    whole = first[0].sums["value"] + second[0].sums["value"]
    np.testing.assert_allclose(whole, expected[0].sums["value"], rtol=1e-5)


def test_a_validation_and_an_evaluation_of_a_lane_are_those_of_the_single_run(begun):
    """Where numbers are part of the likelihood and of the data's transform, these are traced, too."""
    begun.advance(range(4), 5)
    examples = FAMILY.experiment({}).dataset.split("validation").examples
    lines = begun.validate([0, 1, 2], examples)
    assert sorted(lines) == [0, 1, 2]
    evaluate = evaluator(FAMILY.fitted, num_samples=10)
    for slot in (1, 2):
        experiment, state = FAMILY.experiment(NUMBERS[slot]), single(NUMBERS[slot], 5).state
        expected = validator(experiment.fitted)(state.average, examples)
        assert list(lines[slot]) == list(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(lines[slot][name], value, rtol=1e-4, atol=1e-5)
        lane = Lane(traced(NUMBERS[slot]), begun.lane(slot).progress.state.average)
        of_lane = evaluate(lane, examples)
        of_single = evaluator(experiment.fitted, num_samples=10)(state.average, examples)
        assert (list(of_lane), of_lane["notes"]) == (list(of_single), of_single["notes"])
        np.testing.assert_allclose(of_lane["nll"], of_single["nll"], rtol=1e-5)


def test_what_is_put_is_what_was_stacked(begun):
    begun.advance(range(4), 2)
    saved = jax.tree.map(jnp.copy, begun.stacked())
    for leaf, shape in zip(jax.tree.leaves(saved), jax.tree.leaves(begun.abstract()), strict=True):
        assert (leaf.shape, leaf.dtype) == (shape.shape, shape.dtype)
    begun.advance(range(4), 3)
    expected = numbered(begun.stacked())
    begun.clear()
    begun.put(saved, NUMBERS)
    begun.advance(range(4), 3)
    jax.tree.map(np.testing.assert_array_equal, numbered(begun.stacked()), expected)


def test_a_group_is_traced_once(monkeypatch):
    """However often and with whatever numbers its lanes begin, go on, and are validated."""
    for way in WAYS.values():
        lanes, num_traces = way(2), []
        monkeypatch.setattr(Family, "experiment", counted(Family.experiment, num_traces))
        examples = FAMILY.experiment({}).dataset.split("validation").examples

        def everything(lanes, slots, numbers, examples=examples):
            lanes.start(numbers)
            lanes.advance(slots, 3)
            lanes.take_sums(slots)
            lanes.validate(slots, examples)
            lanes.keep_best(slots)

        everything(lanes, [0, 1], dict(enumerate(NUMBERS[:2])))
        num_before = len(num_traces)
        everything(lanes, [1], {1: NUMBERS[2]})
        lanes.clear()
        everything(lanes, [0, 1], dict(enumerate(NUMBERS[2:])))
        assert len(num_traces) == num_before
        monkeypatch.undo()


def counted(function, calls):
    def counting(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return counting


def test_a_number_that_python_looks_at_makes_groups():
    numbers = {"beta": 1.0, "threshold": 0.5, "scale": 0.5, "seed": 3, "hidden_sizes": (4,)}
    assert side_by_side(FAMILY, numbers) == ("beta", "scale", "seed")
    assert side_by_side(FAMILY, {"threshold": 0.5}) == ()
    assert side_by_side(FAMILY, {"seed": 2**31}) == ()


@pytest.mark.parametrize("name", shipped())
def test_every_float_and_the_seed_of_every_experiment_can_be_lanes(name, tmp_path):
    """What an experiment's numbers go into may not look at them."""
    file = load_experiment(name)
    family = on_data_that_are_here(file, tmp_path)
    kinds = fields_of(file.Config)
    numbers = {name: getattr(family.config, name) for name in kinds if kinds[name] is float or name == "seed"}
    assert side_by_side(family, numbers) == tuple(numbers)


def on_data_that_are_here(file, folder):
    """Its own data, or where they need to be prepared digits with labels, or noise, in their place."""
    for shape in (None, "mnist_5k", (28, 28), (32, 32, 3), (64, 64), (64, 64, 1), (28, 20)):
        data = dict.fromkeys(("data.train", "data.validation", "data.test", "data.dir"), "")
        if shape is None:
            data = {}
        elif isinstance(shape, str):
            data["data.name"] = shape
        else:
            data["data.name"] = str(folder / f"{'x'.join(map(str, shape))}.npy")
            np.save(data["data.name"], np.random.default_rng(0).integers(0, 256, (300, *shape), dtype=np.uint8))
        config = with_fields(file.Config(), data)
        try:
            family = Family(file, config, None, file.data(config))
            family.checked({})
        except (UsageError, ValueError) as error:
            reason = error
            continue
        return family
    raise AssertionError(f"no data to try {file.name} on: {reason}")
