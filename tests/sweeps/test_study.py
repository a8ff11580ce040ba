import json
import logging
import math
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from vae_jax.messages import RunError
from vae_jax.sweeps.search.study import Trial
from vae_jax.sweeps.values.axes import Interval

ROOT = Path(__file__).parents[2]
AXIS = {"x": Interval(0, 1)}
PLANE = {"beta": Interval(0.1, 10, is_log=True), "dropout": Interval(0, 0.5)}

WORKER = """
import json, sys, time
from pathlib import Path
from vae_jax.sweeps.values.axes import Interval
from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search.study import Study
config = SearchConfig(sampler="sobol", trials=40, storage=sys.argv[2] or None)
study = Study(Path(sys.argv[1]), {"x": Interval(0, 1)}, config, min_steps=100, max_steps=1600)
print("ready", flush=True)
sys.stdin.readline()
while (trial := study.ask()) is not None:
    print(json.dumps(trial), flush=True)
    study.report(trial.number, 100, 0.5)
    study.finish(trial.number, [0.5], "finished")
    time.sleep(0.02)  # trials take a while; without it one worker may have had all before the other woke up
"""


def start_worker(directory: Path, storage: str | None) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(directory), storage or ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_a_study_from_its_beginning_to_its_end(begin, where):
    study = begin(trials=3, **where)
    assert study.best() == []
    trials = [study.ask() for _ in range(3)]
    assert study.ask() is None
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert study.running() == trials
    study.finish(0, [1.0], "finished")
    study.finish(1, [2.0], "finished")
    study.finish(2, None, "diverged")
    assert study.running() == []
    assert study.best() == [1]
    assert study.ask() is None


def test_a_study_is_joined(begin, where):
    first = begin(PLANE, trials=2, **where)
    trial = first.ask()
    second = begin({"dropout": PLANE["dropout"], "beta": PLANE["beta"]}, trials=2, **where)
    assert second.running() == [trial]
    assert second.ask().number == 1
    assert first.ask() is None
    second.finish(0, [3.0], "finished")
    assert first.best() == [0]
    assert [trial.number for trial in first.running()] == [1]


def test_workers_that_ask_at_the_same_time_get_other_trials_and_so_many_in_all(begin, where, tmp_path):
    workers = [start_worker(tmp_path / "sweep", where["storage"]) for _ in range(2)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    found = [
        [Trial(*json.loads(line)) for line in worker.communicate(timeout=120)[0].splitlines()] for worker in workers
    ]
    assert all(worker.returncode == 0 for worker in workers)
    together = sorted(found[0] + found[1])
    assert len({trial.number for trial in together}) == 40
    alone = begin(AXIS, name="alone", sampler="sobol", trials=40)
    assert sorted(trial.fields["x"] for trial in together) == sorted(alone.ask().fields["x"] for _ in range(40))
    assert begin(AXIS, sampler="sobol", trials=40, **where).ask() is None


def test_what_is_given_back_is_asked_for_again_once(begin, where):
    study = begin(trials=2, sampler="tpe", **where)
    first, second = study.ask(), study.ask()
    study.give_back(first.number)
    study.give_back(first.number)
    assert study.running() == [second]
    again = study.ask()
    assert again == Trial(2, first.fields)
    assert study.ask() is None
    study.give_back(again.number)
    assert study.ask() == Trial(3, first.fields)
    assert study.ask() is None
    study.finish(3, [1.0], "finished")
    study.finish(1, [0.0], "finished")
    assert study.best() == [3]


def test_one_who_comes_back_finds_the_trial_in_other_hands(begin, where):
    """Its reports tell it to stop, and its end does not count."""
    study = begin(AXIS, trials=1, **where)
    study.ask()
    study.give_back(0)
    assert study.report(0, 100, 1.0)
    study.finish(0, [1.0], "finished")
    assert study.best() == []
    assert study.ask().number == 1


def test_what_is_finished_cannot_be_given_back_or_finished_again(begin, where):
    study = begin(AXIS, trials=1, **where)
    study.ask()
    study.finish(0, [1.0], "finished")
    study.give_back(0)
    study.finish(0, None, "diverged")
    assert study.best() == [0]
    assert study.ask() is None


@pytest.mark.parametrize("sampler", ["random", "sobol", "grid", "tpe", "cma-es"])
@pytest.mark.parametrize("after", range(1, 5))
def test_killed_in_the_middle_of_an_ask(begin, monkeypatch, sampler, after):
    """Whatever was noted of it: the next one to ask has the trial that it would have been, and none is missing."""
    axes = {"x": Interval(0, 1, num=2), "y": Interval(0, 1, num=2)}
    whole = [begin(axes, name="whole", sampler=sampler, trials=4).ask().fields for _ in range(1)]
    study = begin(axes, sampler=sampler, trials=4)
    backend = study._storage.backend._backend
    append, appended = backend.append_logs, []

    class Killed(BaseException):
        """As by -9: nothing after this."""

    def append_until_killed(logs):
        if len(appended) == after:
            raise Killed
        appended.append(logs)
        append(logs)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "append_logs", append_until_killed)
        with pytest.raises(Killed):
            list(iter(study.ask, None))
    again = begin(axes, sampler=sampler, trials=4)
    seen = {tuple(trial.fields.values()) for trial in again.running()}
    asked = []
    while (trial := again.ask()) is not None:
        asked.append(trial)
        seen.add(tuple(trial.fields.values()))
    assert len(again.running()) == 4
    if sampler == "grid":
        assert len(seen) == 4
    assert tuple(whole[0].values()) in seen


def test_half_a_line_at_the_end_of_a_journal_is_cut_off(begin, tmp_path):
    """Which Optuna by itself would write on after, and never read again."""
    study = begin(trials=3)
    trial = study.ask()
    with (tmp_path / "sweep" / "study.journal").open("ab") as journal:
        journal.write(b'{"op_code":6,"worker_id":"')
    study.report(trial.number, 100, 1.0)
    study.finish(trial.number, [1.0], "finished")
    again = begin(trials=3)
    assert again.best() == [0]
    assert again.ask().number == 1


@pytest.mark.parametrize("sampler", ["tpe", "cma-es"])
def test_a_trial_that_diverged_does_not_speak_well_for_its_fields(begin, sampler):
    """The half of the axis where everything diverges is left, however good it was before."""
    study = begin({"x": Interval(-1, 1)}, sampler=sampler, trials=60, stopping="halving")
    found = []
    while (trial := study.ask()) is not None:
        found.append(trial.fields["x"])
        if trial.fields["x"] > 0:
            study.report(trial.number, 100, 1e6)
            study.finish(trial.number, None, "diverged")
        else:
            study.finish(trial.number, [-abs(trial.fields["x"] + 0.6)], "finished")
    assert sum(x > 0 for x in found[:10]) >= 2
    assert sum(x > 0 for x in found[-20:]) <= 4


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_end_without_a_finite_value_is_not_the_best(begin, value):
    study = begin(AXIS, trials=2)
    study.ask()
    study.finish(0, [value], "finished")
    study.ask()
    study.finish(1, [0.0], "finished")
    assert study.best() == [1]


def test_the_greatest_or_the_least_is_the_best(begin):
    for objective, best in (("value", 1), ("nll", 0)):
        study = begin(AXIS, name=objective, trials=2, objectives=(objective,))
        for value in (1.0, 2.0):
            study.finish(study.ask().number, [value], "finished")
        assert study.best() == [best]


def test_several_objectives_have_a_front(begin, where):
    """NLL is to be small, active units many; (2, 2) is beaten in both by (1, 3)."""
    study = begin(AXIS, trials=5, objectives=("nll", "active_units"), **where)
    for values in ((1.0, 3.0), (2.0, 2.0), (0.5, 1.0), (3.0, 9.0)):
        trial = study.ask()
        assert not study.report(trial.number, 100, 0.0)
        study.finish(trial.number, values, "finished")
    study.ask()
    study.finish(4, None, "diverged")
    assert sorted(study.best()) == [0, 2, 3]


def test_nothing_is_printed_or_warned_of(begin, where, capfd, caplog):
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        study = begin({"n": Interval(1, 9, is_integer=True)}, trials=2, sampler="cma-es", stopping="hyperband", **where)
        for _ in range(3):
            study.ask()
        study.report(0, 100, 1.0)
        study.finish(0, None, "diverged")
        study.give_back(1)
        study.running()
        study.best()
    assert (capfd.readouterr(), warned) == (("", ""), [])


def test_a_storage_that_goes_away(begin, tmp_path):
    study = begin(AXIS)
    study.ask()
    (tmp_path / "sweep").rename(tmp_path / "elsewhere")
    with pytest.raises(
        RunError, match=r"cannot be reached any more: .*No such file.*; what was finished is kept; give"
    ):
        study.finish(0, [1.0], "finished")
