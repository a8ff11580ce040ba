"""What a search is told that cannot be made, or is another one."""

import subprocess
import sys
from pathlib import Path

import pytest

from vae_jax.messages import UsageError
from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search import study as study_file
from vae_jax.sweeps.search.study import Study
from vae_jax.sweeps.values.axes import Interval, Values

ROOT = Path(__file__).parents[2]
AXIS = {"x": Interval(0, 1)}
INTERVAL = {"x": Interval(0.5, 1)}


@pytest.mark.parametrize(
    ("axes", "search", "message"),
    [
        (INTERVAL, {"sampler": None}, "expected a sampler for a search; got none; choose tpe"),
        (INTERVAL, {"trials": None}, "expected a number of trials; got none; only a grid has an end without one"),
        (INTERVAL, {"trials": 0}, "expected a number of trials of 1 or more; got 0; give another"),
        (INTERVAL, {"seed": -1}, "expected a sampler's seed of 0 or more; got -1; give another"),
        (INTERVAL, {"objectives": ()}, "expected an objective to search by; got none; name a metric"),
        (
            {"act": Values(("relu", "tanh"))},
            {"sampler": "cma-es"},
            "expected intervals for cma-es; 'act' has single values ('relu', 'tanh'); give an interval, or the sampler",
        ),
        (
            INTERVAL,
            {"sampler": "cma-es", "objectives": ("nll", "kl")},
            "expected one objective for cma-es; got nll, kl; name one",
        ),
        (
            INTERVAL,
            {"sampler": "grid"},
            "expected single values or a number of points for a grid; 'x' is all of 0.5 to 1; say how many points",
        ),
        (
            INTERVAL,
            {"stopping": "halving", "objectives": ("nll", "kl")},
            "expected one objective for halving, which must know the better of two; got nll, kl; name one",
        ),
        (
            INTERVAL,
            {"stopping": "hyperband", "steps": 100},
            "expected validations before the end for hyperband; the first is after 100 of 100 steps; validate",
        ),
    ],
)
def test_a_search_that_cannot_be_made(begin, axes, search, message):
    with pytest.raises(UsageError) as error:
        begin(axes, **search)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_search_over_nothing(tmp_path):
    with pytest.raises(UsageError, match="expected fields to search over; got none"):
        Study(tmp_path, {}, SearchConfig(sampler="random", trials=1), min_steps=1, max_steps=2)


@pytest.mark.parametrize("missing", ["optuna", "cmaes"])
def test_a_package_that_is_not_installed(begin, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else object())
    message = f"expected {missing} for a search; it is not installed; pip install 'vae-jax\\[sweep\\]'"
    with pytest.raises(UsageError, match=message):
        begin(sampler="cma-es")


def test_reading_the_file_does_not_import_optuna():
    code = (
        f"import sys, {study_file.__name__}; assert not {{'optuna', 'sqlalchemy', 'scipy', 'jax'}} & sys.modules.keys()"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("axes", "search", "message"),
    [
        (AXIS | {"y": Interval(0, 2)}, {}, "'y' is 0 to 2 here and not searched there"),
        ({"y": Interval(0, 1)}, {}, "'y' is 0 to 1 here and not searched there"),
        ({"x": Interval(0, 2)}, {}, "'x' is 0 to 2 here and 0 to 1 there"),
        ({"x": Interval(0, 1, is_integer=True)}, {}, "'x' is 0 to 1, whole here and 0 to 1 there"),
        (AXIS, {"sampler": "tpe"}, "the sampler is tpe here and random there"),
        (AXIS, {"seed": 3}, "its seed is 3 here and 0 there"),
        (AXIS, {"trials": 9}, "the number of trials is 9 here and 8 there"),
        (AXIS, {"stopping": "halving"}, "the early stopping is halving here and none there"),
        (AXIS, {"objectives": ("nll",)}, "the objective is nll here and value there"),
        (AXIS, {"steps": 3200}, "the number of steps is 3200 here and 1600 there"),
    ],
)
def test_another_search_is_not_joined(begin, where, axes, search, message, tmp_path):
    begin(AXIS, **where).ask()
    with pytest.raises(UsageError) as error:
        begin(axes, **where, **search)
    name = where["storage"] or tmp_path / "sweep" / "study.journal"
    beginning = f"expected the search that {name} was begun with; "
    assert str(error.value) == f"{beginning}{message}; give the same, or another --run-dir"
