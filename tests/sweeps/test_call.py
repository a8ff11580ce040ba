"""`vae_jax.sweep`: what a field is swept over, from Python."""

import shlex
from pathlib import Path

import numpy as np
import pytest

import vae_jax as vj
from vae_jax.cli.sweep_words import config_and_axes, parse_sweep
from vae_jax.messages import UsageError
from vae_jax.sweeps.explain import command
from vae_jax.sweeps.sweep import Sweep

SMALL = Path(__file__).parent / "small_experiment.py"


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """A sweep that is begun and not worked on."""
    monkeypatch.setattr(Sweep, "work", lambda self, **_: False)
    return lambda **fields: vj.sweep(SMALL, run_dir=tmp_path / "sweep", **fields)


def test_an_interval_with_points_is_a_grid(begun):
    sweep = begun(beta=vj.Interval(1, 1000, is_log=True, num=4), seed=range(2))
    trials = sweep.source().claim(9, lambda trial: True, set())
    assert [trial.fields for trial in trials] == [
        {"beta": beta, "seed": seed} for beta in (1.0, 10.0, 100.0, 1000.0) for seed in (0, 1)
    ]
    assert sweep.spec.axes["beta"]["num"] == 4
    assert "--beta 1.0 10.0 100.0 1000.0" in command(sweep)


def test_a_grid_that_is_searched_has_the_same_points_as_one_that_is_not(begun):
    interval = vj.Interval(1e-4, 1e-2, is_log=True, num=5)
    search = vj.SearchConfig("grid")
    sweep = begun(learning_rate=interval, search=search)
    words = shlex.split(command(sweep))
    axes = config_and_axes(*parse_sweep([str(SMALL), *words[3:]])[:2])[1]
    assert [*axes["learning_rate"]] == [(1e-4, 0.000316228, 1e-3, 0.00316228, 1e-2)]


def test_an_interval_of_an_integer_field_is_of_integers(begun):
    sweep = begun(patience=[None, 2], seed=vj.Interval(0, 8, num=3))
    seeds = [trial.fields["seed"] for trial in sweep.source().claim(9, lambda trial: True, set())]
    assert repr(seeds) == "[0, 4, 8, 0, 4, 8]"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"beta": vj.Interval(1, 2)}, "expected values of --beta to make a grid of; got all between 1 and 2; "),
        ({"beta": vj.Interval(2, 1, num=3)}, "expected beta as LOW:HIGH, with LOW below HIGH; got 2 to 1"),
        (
            {"beta": vj.Interval(0, 1, True, 3)},
            "expected beta as LOW:HIGH, with LOW above 0 and below HIGH; got 0 to 1",
        ),
        ({"beta": vj.Interval(1, 2, num=1)}, "expected 2 to 100000 points of beta; got 1 in 1 to 2"),
        (
            {"seed": vj.Interval(0.5, 2, num=2)},
            "expected values of the types of small_experiment's fields; got 0.5 for",
        ),
        ({"beta": vj.Interval(1, float("inf"), num=2)}, "expected a finite number for beta; got inf"),
        (
            {"betta": vj.Interval(1, 2, num=2)},
            "expected a field of small_experiment; got 'betta'; did you mean 'beta'? Known: seed, beta, ",
        ),
        ({"beta": []}, "expected at least one value of beta; got none"),
        ({"beta": [1.0, np.inf]}, "expected a finite number for beta; got inf"),
    ],
    ids=str,
)
def test_what_cannot_be_swept_over_is_refused(begun, tmp_path, fields, message):
    with pytest.raises(UsageError) as caught:
        begun(**fields)
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_sweep_of_no_steps_has_evaluated_lanes(tmp_path, without_a_page, monkeypatch):
    """As one of a closed form: there is nothing to keep until its lanes are done."""
    monkeypatch.setattr(Sweep, "report", lambda self: None)
    sweep = vj.sweep(SMALL, run_dir=tmp_path / "sweep", num_steps=0, seed=[0])
    assert [record.state for record in sweep.records()] == ["finished"]
