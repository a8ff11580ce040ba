import math
import statistics
from collections import Counter

import pytest
from scipy.stats import qmc

from vae_jax.sweeps.values.axes import Axis, Interval, Values

INTERVALS: dict[str, Axis] = {
    "beta": Interval(0.1, 10.0, is_log=True, num=3),
    "dropout": Interval(0.0, 0.5, num=2),
    "latent_size": Interval(2, 64, is_log=True, is_integer=True, num=2),
    "num_layers": Interval(1, 4, is_integer=True, num=2),
    "fixed": Interval(3, 3, is_integer=True, num=1),
}
AXES: dict[str, Axis] = INTERVALS | {
    "activation": Values(("relu", "tanh", None)),
    "hidden_sizes": Values(((64,), (64, 32))),
    "batch_size": Values((100, 200)),
    "bias": Values((True, False)),
}


def is_legal(axis: Axis, value: object) -> bool:
    if isinstance(axis, Values):
        return any(value == one and type(value) is type(one) for one in axis.values)
    return type(value) is (int if axis.is_integer else float) and axis.low <= value <= axis.high  # type: ignore[operator]


def all_of(study, value_of=lambda fields: 0.0):
    """The fields of all trials, each finished before the next is asked for."""
    found = []
    while (trial := study.ask()) is not None:
        found.append(trial.fields)
        study.finish(trial.number, [value_of(trial.fields)], "finished")
    return found


@pytest.mark.parametrize("sampler", ["tpe", "random", "sobol", "grid", "cma-es"])
def test_every_field_is_legal_and_of_its_type(begin, sampler):
    """Beyond the first ten, where TPE and CMA-ES stop to draw at random."""
    axes = INTERVALS if sampler == "cma-es" else AXES
    found = all_of(begin(axes, sampler=sampler, trials=20), lambda fields: -abs(math.log(fields["beta"])))
    assert len(found) == 20
    for fields in found:
        assert fields.keys() == axes.keys()
        assert all(is_legal(axes[name], value) for name, value in fields.items()), fields


@pytest.mark.parametrize("sampler", ["tpe", "random", "sobol", "grid", "cma-es"])
def test_the_same_seed_draws_the_same(begin, sampler):
    axes = INTERVALS if sampler == "cma-es" else AXES

    def drawn(name, seed):
        return all_of(begin(axes, name=name, sampler=sampler, trials=14, seed=seed), lambda fields: -fields["dropout"])

    first = drawn("first", 0)
    assert drawn("again", 0) == first
    assert drawn("other", 1) != first


@pytest.mark.parametrize("sampler", ["tpe", "random", "sobol", "grid", "cma-es"])
def test_a_study_that_goes_on_in_a_new_process_draws_what_the_old_one_would_have(begin, sampler):
    """Optuna's own samplers would begin their stream again: every trial twice."""
    axes = INTERVALS if sampler == "cma-es" else AXES
    whole = all_of(begin(axes, name="whole", sampler=sampler, trials=14), lambda fields: fields["dropout"])
    parts = []
    for _ in range(14):
        study = begin(axes, name="parts", sampler=sampler, trials=14)
        trial = study.ask()
        parts.append(trial.fields)
        study.finish(trial.number, [trial.fields["dropout"]], "finished")
    assert parts == whole


@pytest.mark.parametrize("sampler", ["random", "tpe", "sobol"])
def test_trials_of_one_batch_differ(begin, sampler):
    study = begin(sampler=sampler, trials=16)
    assert len({study.ask().fields["beta"] for _ in range(16)}) == 16


def test_tpe_spreads_a_batch_that_is_asked_for_at_once(begin):
    """The constant liar: what is running counts as bad, so that the next is drawn elsewhere."""
    study = begin({"x": Interval(-1, 1)}, sampler="tpe", trials=44)
    for _ in range(20):
        trial = study.ask()
        study.finish(trial.number, [-abs(trial.fields["x"])], "finished")
    batch = [study.ask().fields["x"] for _ in range(24)]
    assert statistics.stdev(batch) > 0.1
    assert statistics.median(map(abs, batch)) < 0.5


def test_sobol_fills_the_square_more_evenly_than_random(begin):
    """By its discrepancy, for every one of five seeds."""
    axes = {"x": Interval(0, 1), "y": Interval(0, 1)}
    for seed in range(5):
        found = {}
        for sampler in ("sobol", "random"):
            study = begin(axes, name=f"{sampler}-{seed}", sampler=sampler, trials=32, seed=seed)
            points = [tuple(study.ask().fields.values()) for _ in range(32)]
            found[sampler] = qmc.discrepancy(points)
        assert found["sobol"] < 0.5 * found["random"]


def test_sobol_meets_every_part_of_every_axis_equally_often(begin):
    """A property of the sequence, that scrambling keeps: 16 points, one in every sixteenth."""
    study = begin({"x": Interval(0, 1), "y": Interval(0, 1)}, sampler="sobol", trials=16)
    found = [study.ask().fields for _ in range(16)]
    for name in ("x", "y"):
        assert sorted(int(16 * fields[name]) for fields in found) == list(range(16))


def test_a_grid_gives_each_point_once_in_no_order(begin):
    axes = {"n": Interval(1, 4, is_integer=True, num=4), "act": Values(("relu", "tanh")), "size": Values((8, 16))}
    found = [tuple(fields[name] for name in axes) for fields in all_of(begin(axes, sampler="grid", trials=None))]
    assert Counter(found) == Counter(
        (n, act, size) for n in (1, 2, 3, 4) for act in ("relu", "tanh") for size in (8, 16)
    )
    assert found != sorted(found)
    assert all_of(begin(axes, name="some", sampler="grid", trials=5)) == [
        dict(zip(axes, p, strict=True)) for p in found[:5]
    ]
    assert len(all_of(begin(axes, name="more", sampler="grid", trials=99))) == 16


@pytest.mark.parametrize("sampler", ["tpe", "cma-es"])
def test_a_search_that_learns_beats_one_that_does_not(begin, sampler):
    """On a quadratic, by the best of 40 trials, for 9 of 10 seeds or more: by chance, once in 93 times."""
    axes = {"x": Interval(-3, 3), "y": Interval(0.01, 100, is_log=True)}

    def value(fields):
        return -((fields["x"] - 1) ** 2) - (math.log10(fields["y"]) + 1) ** 2

    won = 0
    for seed in range(10):
        best = {
            one: max(map(value, all_of(begin(axes, name=f"{one}-{seed}", sampler=one, trials=40, seed=seed), value)))
            for one in (sampler, "random")
        }
        won += best[sampler] > best["random"]
    assert won >= 9


def test_several_objectives_come_near_their_front(begin):
    """x² and (x - 2)² are both least on [0, 2]: a third of the axis, where TPE puts most of its later trials."""
    study = begin({"x": Interval(-2, 4)}, sampler="tpe", trials=50, objectives=("squared_error", "nll"))
    found = []
    while (trial := study.ask()) is not None:
        found.append(trial.fields["x"])
        study.finish(trial.number, [trial.fields["x"] ** 2, (trial.fields["x"] - 2) ** 2], "finished")
    assert sum(0 <= x <= 2 for x in found[20:]) > 20
    front = [found[number] for number in study.best()]
    assert front == [x for x in found if not any(y**2 < x**2 and (y - 2) ** 2 < (x - 2) ** 2 for y in found)]
