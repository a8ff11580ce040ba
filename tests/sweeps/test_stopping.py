import math
import random

import pytest

from vae_jax.sweeps.search.stopping import pruner_of, rungs
from vae_jax.sweeps.values.axes import Interval

AXIS = {"x": Interval(0, 1)}


def train(study, value, steps):
    """Validate a trial until it is told to stop; the steps that it made."""
    trial = study.ask()
    for step in steps:
        if study.report(trial.number, step, value):
            study.finish(trial.number, None, "stopped")
            return step
    study.finish(trial.number, [value], "finished")
    return steps[-1]


def goes_on(value, others, factor):
    """The rule of the paper: among the best 1 / factor of those that were here, and the first ones if they lead."""
    seen = sorted([*others, value], reverse=True)
    return value >= seen[max(1, len(seen) // factor) - 1]


@pytest.mark.parametrize("seed", [0, 1])
def test_halving_decides_as_the_paper_says(begin, seed):
    """By a second implementation of its rule, at every rung, and by the number of survivors that it implies.

    In a random order the n-th value is among the best k of n with probability k / n, independently of the others.
    """
    num = 96
    study = begin(AXIS, trials=num, stopping="halving", steps=6400)
    values = random.Random(seed).sample(range(num), num)
    at_rung = {step: [] for step in (100, 400, 1600)}
    for value in values:
        last = train(study, value, range(100, 6401, 100))
        for step, others in at_rung.items():
            expected = goes_on(value, others, 4)
            others.append(value)
            assert (last > step) == expected
            if not expected:
                break
        if value == num - 1:
            assert last == 6400
    chances = [max(1, n // 4) / n for n in range(1, num + 1)]
    mean, deviation = sum(chances), math.sqrt(sum(p * (1 - p) for p in chances))
    assert abs(len(at_rung[400]) - mean) < 3 * deviation
    assert study.best() == [values.index(num - 1)]


@pytest.mark.parametrize("stopping", ["halving", "hyperband"])
@pytest.mark.parametrize(("objective", "sign"), [("value", 1), ("nll", -1)])
def test_the_best_so_far_is_never_stopped_and_the_worst_are(begin, stopping, objective, sign):
    study = begin(AXIS, trials=40, stopping=stopping, objectives=(objective,), steps=900)
    best = [train(study, sign * value, range(100, 901, 100)) for value in range(20)]
    worst = [train(study, -sign * value, range(100, 901, 100)) for value in range(1, 21)]
    assert best == [900] * 20
    assert max(worst) < 900 if stopping == "halving" else sum(step < 900 for step in worst) > 10


def test_halving_stops_at_rungs_only_and_never_at_the_end(begin):
    """A value is compared at rungs; at the last step there is nothing to save."""
    study = begin(AXIS, trials=3, stopping="halving", steps=400)
    assert train(study, 1.0, range(100, 401, 100)) == 400
    trial = study.ask()
    assert not study.report(trial.number, 100, 2.0)
    assert not study.report(trial.number, 200, -5.0)
    assert not study.report(trial.number, 300, -5.0)
    assert not study.report(trial.number, 400, -5.0)


def test_hyperband_begins_to_stop_at_other_rungs(begin):
    study = begin(AXIS, trials=80, stopping="hyperband", steps=900)
    train(study, 1.0, range(100, 901, 100))
    ends = [train(study, -value, range(100, 901, 100)) for value in range(79)]
    assert {100, 300, 900} == set(ends)
    # Brackets of 3, 2 and 1 rungs, whose shares are 9, 4.5 and 3 of 16.5 trials or so: the paper's algorithm 1.
    assert ends.count(100) > ends.count(300) > 0


@pytest.mark.parametrize("min_steps", [1, 7, 1000])
def test_hyperband_has_a_bracket_for_every_rung(min_steps):
    """Also where the logarithm of a power of 3 is rounded down: log(243) / log(3) < 5 in floating point."""
    for power in range(8):
        pruner = pruner_of("hyperband", min_steps=min_steps, max_steps=min_steps * 3**power)
        pruner._try_initialization(None)  # type: ignore[attr-defined]
        assert pruner._n_brackets == power + 1 == len(rungs(min_steps, min_steps * 3**power, 3))  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_stopped(begin, value):
    study = begin(AXIS, trials=2, stopping="halving")
    assert study.report(study.ask().number, 100, value)
    assert not study.report(study.ask().number, 100, -1e9)


def test_a_stop_is_told_again_to_a_worker_that_did_not_hear(begin):
    """Whatever it reports: the rung at which it lost is behind it."""
    study = begin(AXIS, trials=2, stopping="halving")
    study.report(study.ask().number, 100, 1.0)
    trial = study.ask()
    assert study.report(trial.number, 100, 0.0)
    again = begin(AXIS, trials=2, stopping="halving")
    assert again.report(trial.number, 100, 0.0)
    assert again.report(trial.number, 200, 5.0)


def test_without_stopping_nothing_is_stopped(begin):
    study = begin(AXIS, trials=20)
    assert [train(study, -value, range(100, 1601, 100)) for value in range(20)] == [1600] * 20


@pytest.mark.parametrize("stopping", ["halving", "hyperband"])
@pytest.mark.parametrize("sampler", ["tpe", "cma-es"])
def test_samplers_learn_from_stopped_trials(begin, sampler, stopping):
    """What they ask for late is better than what they asked for first, though most of it was stopped."""
    study = begin({"x": Interval(-1, 1), "y": Interval(-1, 1)}, sampler=sampler, trials=60, stopping=stopping)
    values = []
    while (trial := study.ask()) is not None:
        values.append(-(trial.fields["x"] ** 2) - trial.fields["y"] ** 2)
        for step in range(100, 1601, 100):
            if study.report(trial.number, step, values[-1]):
                study.finish(trial.number, None, "stopped")
                break
        else:
            study.finish(trial.number, values[-1:], "finished")
    assert sum(values[-20:]) > 0.6 * sum(values[:10]) * 2
