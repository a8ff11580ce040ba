"""Whole sweeps: lanes that are ordinary runs, whatever stops, stands or runs beside them."""

import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

import jax
import numpy as np
import pytest
from tables import long_but

import vae_jax as vj
from vae_jax.catalogue import load_experiment
from vae_jax.messages import UsageError
from vae_jax.runs.begin import open_run
from vae_jax.sweeps.config import EvolutionConfig, LanesConfig, SearchConfig
from vae_jax.sweeps.lanes import side_by_side
from vae_jax.sweeps.sweep import Sweep, begin
from vae_jax.sweeps.values.axes import Interval, Values
from vae_jax.sweeps.work.judge import StackJudge
from vae_jax.sweeps.work.settle import settle

SMALL = Path(__file__).parent / "small_experiment.py"
FILE = load_experiment(SMALL)
GRID = {"hidden_sizes": Values(((4,), (8,))), "beta": Values((1.0, 4.0)), "seed": Values((0, 1))}
WAVES = {"beta": Values((1.0, 4.0)), "seed": Values((0, 1))}
TWO_AT_ONCE = LanesConfig(num=2, map="vmap")


def swept(run_dir, axes=GRID, lanes=TWO_AT_ONCE, **options):
    sweep = begin(FILE, FILE.Config(), axes, run_dir=run_dir, **options)
    sweep.work(lanes=lanes, show="lines")
    return sweep


@pytest.fixture(autouse=True, scope="module")
def _reports_are_written_once():
    """By the command, in tests/cli; a page takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "report", lambda sweep: sweep.directory.report.write_text("a page"))
        yield


@pytest.fixture(scope="module")
def grid(tmp_path_factory) -> Sweep:
    """Eight lanes in two groups, two at once."""
    return swept(tmp_path_factory.mktemp("grid") / "sweep")


@pytest.fixture(scope="module")
def waves(tmp_path_factory) -> Sweep:
    """Four lanes of one group, two at once."""
    return swept(tmp_path_factory.mktemp("waves") / "sweep", WAVES)


def lane(sweep, number, name=None):
    path = sweep.directory.lane(number).path
    return path if name is None else json.loads((path / name).read_text("utf-8"))


def lines(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text("utf-8").splitlines()]


def states(sweep):
    return [sweep.directory.status(number) for number in sweep.lane_numbers()]


def contents(sweep):
    """The bytes of what lanes have found."""
    names = ("config.json", "metrics.jsonl", "evaluation.json", "lane.json")
    files = [lane(sweep, number) / name for number in sweep.lane_numbers() for name in names]
    return {str(path.relative_to(sweep.directory.path)): path.read_bytes() for path in files if path.is_file()}


def test_a_sweep_is_the_product_of_its_axes(grid):
    assert states(grid) == ["finished"] * 8
    configs = [lane(grid, number, "config.json")["config"] for number in range(8)]
    found = [(config["hidden_sizes"], config["beta"], config["seed"]) for config in configs]
    assert found == [(sizes, beta, seed) for sizes in ([4], [8]) for beta in (1.0, 4.0) for seed in (0, 1)]
    assert grid.directory.report.is_file()
    assert not list(grid.directory.stacks.glob("*/checkpoints"))


@pytest.mark.parametrize("number", long_but([1, 6], 1))
def test_a_lane_is_the_run_that_train_makes_of_its_config(grid, tmp_path, number):
    """The same files, the same lines, the same numbers to rounding."""
    config = lane(grid, number, "config.json")["config"]
    single = vj.train(SMALL, run_dir=tmp_path / "single", **config).directory
    path = lane(grid, number)
    assert (path / "config.json").read_bytes() == single.config.read_bytes()
    assert (path / "experiment.py").read_bytes() == single.experiment.read_bytes()
    made_on, single_made_on = lane(grid, number, "environment.json"), json.loads(single.environment.read_text("utf-8"))
    # A product with beta = 1 is none, and is not counted where that is a plain number.
    assert made_on.pop("flops_per_step") == pytest.approx(single_made_on.pop("flops_per_step"), rel=1e-2)
    assert made_on == single_made_on
    assert_near(lines(path), lines(single.path))
    assert_near(lane(grid, number, "evaluation.json"), json.loads(single.evaluation.read_text("utf-8")))
    assert steps_in(path / "checkpoints") == steps_in(single.checkpoints)


def steps_in(checkpoints):
    """The best and the latest; a run has the one before the latest, too."""
    return {max(int(path.name) for path in checkpoints.iterdir())}


def assert_near(found, expected):
    """The same structure, and numbers to float tolerance."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert_near(found[name], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_near(one, other)
    elif isinstance(expected, float):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    else:
        assert found == expected


@pytest.mark.long
def test_a_lane_is_evaluated_and_trained_further_like_any_run(grid, tmp_path):
    sweep = swept(tmp_path / "sweep", {"beta": Values((1.0, 4.0))})
    run = open_run(lane(sweep, 1))
    found = run.evaluate()
    assert_near(found | {"measures": {}}, lane(sweep, 1, "evaluation.json") | {"measures": {}})
    longer = vj.resume(lane(sweep, 1), num_steps=60)
    expected = vj.train(SMALL, run_dir=tmp_path / "single", beta=4.0, num_steps=60)
    assert_near(lines(longer.directory.path)[-1], lines(expected.directory.path)[-1])


def test_the_same_command_again_trains_nothing(grid):
    before = contents(grid)
    again = swept(grid.directory.path)
    assert contents(again) == before


@pytest.mark.long
def test_in_turn_is_as_side_by_side(waves, tmp_path):
    other = swept(tmp_path / "sweep", WAVES, lanes=LanesConfig(map="loop"))
    for number in range(4):
        assert_near(lines(lane(other, number)), lines(lane(waves, number)))
        assert_near(lane(other, number, "evaluation.json"), lane(waves, number, "evaluation.json"))


@pytest.mark.long
def test_a_group_is_compiled_once_however_many_waves_it_has(tmp_path, monkeypatch):
    traces = []
    step = side_by_side.next_of_lane
    monkeypatch.setattr(
        side_by_side, "next_of_lane", lambda family, *rest: (traces.append(family.config), step(family, *rest))[1]
    )
    swept(tmp_path / "one", {"beta": Values((1.0, 4.0))})
    once = len(traces)
    traces.clear()
    swept(tmp_path / "waves")
    assert {config.hidden_sizes for config in traces} == {(4,), (8,)}
    assert len(traces) == 2 * once


class Stop:
    """Sends this process a SIGTERM after some calls of `StackJudge.show`."""

    def __init__(self, monkeypatch, after):
        self._left = after
        show = StackJudge.show

        def shown(judge, *arguments):
            show(judge, *arguments)
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(StackJudge, "show", shown)


@pytest.mark.parametrize("after", long_but([1, 9], 9))
def test_a_sweep_that_was_stopped_goes_on_to_the_same_bits(waves, tmp_path, monkeypatch, after):
    Stop(monkeypatch, after)
    sweep = swept(tmp_path / "sweep", WAVES)
    assert set(states(sweep)) == {"running"} | ({"finished"} if after > 8 else set())
    assert not sweep.directory.report.exists()
    Sweep(sweep.directory).work(lanes=TWO_AT_ONCE, show="lines")
    assert contents(sweep) == contents(waves)


@pytest.mark.long
def test_a_lane_of_a_sweep_that_was_stopped_is_a_run_of_its_own(waves, tmp_path, monkeypatch):
    Stop(monkeypatch, after=3)
    sweep = swept(tmp_path / "sweep", WAVES)
    settle(lane(sweep, 1))
    run = open_run(lane(sweep, 1))
    params, selection = run.params("latest")
    assert selection["checkpoint_step"] == 14
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))
    # And the sweep goes on as if nobody had looked.
    Sweep(sweep.directory).work(lanes=TWO_AT_ONCE, show="lines")
    assert contents(sweep) == contents(waves)


def test_a_lane_that_a_worker_is_training_is_left_alone(tmp_path, monkeypatch):
    refusals = []
    show = StackJudge.show

    def shown(judge, slots, num_steps):
        show(judge, slots, num_steps)
        if not refusals:
            with pytest.raises(UsageError) as refusal:
                settle(judge.directory.lane(0).path)
            refusals.append(str(refusal.value))

    monkeypatch.setattr(StackJudge, "show", shown)
    swept(tmp_path / "sweep", {"beta": Values((1.0, 4.0))})
    assert "to be free; a worker of the sweep in" in refusals[0]


def test_a_lane_that_diverges_ends_and_the_others_go_on(tmp_path):
    sweep = swept(
        tmp_path / "sweep", {"learning_rate": Values((1e-2, 1e30, 1e-3))}, LanesConfig(map="vmap"), num_steps=90
    )
    assert states(sweep) == ["finished", "diverged", "finished"]
    assert lane(sweep, 1, "lane.json")["objectives"] is None
    assert not (lane(sweep, 1) / "evaluation.json").exists()
    assert lines(lane(sweep, 1))[-1]["num_skipped"] >= 50
    params, _ = open_run(lane(sweep, 1)).params("best")
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))
    single = vj.train(SMALL, run_dir=tmp_path / "single", learning_rate=1e-3, num_steps=90)
    assert_near(lines(lane(sweep, 2)), lines(single.directory.path))


@pytest.mark.long
def test_a_lane_out_of_patience_makes_room_for_the_next(tmp_path):
    """The second lane gets worse from the start; the third is trained in its place, to the same end as alone."""
    axes = {"learning_rate": Values((1e-3, 3.0, 2e-3))}
    config = FILE.Config(patience=2)
    sweep = begin(FILE, config, axes, run_dir=tmp_path / "sweep")
    sweep.work(lanes=LanesConfig(num=2, map="vmap"), show="lines")
    assert len(sweep.directory.stack_directories()) == 1
    assert [lines(lane(sweep, number))[-1]["step"] for number in range(3)] == [40, 20, 40]
    single = vj.train(SMALL, run_dir=tmp_path / "single", learning_rate=2e-3, patience=2)
    assert_near(lines(lane(sweep, 2)), lines(single.directory.path))


SEARCHED = {"learning_rate": Interval(1e-4, 1e-1, is_log=True), "hidden_sizes": Values(((4,), (8,)))}


def test_a_search_stops_the_bad_ones_and_fills_their_lanes(tmp_path):
    search = SearchConfig("tpe", trials=12, stopping="halving")
    sweep = swept(tmp_path / "sweep", SEARCHED, LanesConfig(num=3, map="vmap"), search=search)
    found = states(sweep)
    assert len(found) == 12
    assert set(found) == {"finished", "stopped"}
    values = {number: lane(sweep, number, "lane.json")["objectives"] for number in range(12)}
    assert all((values[number] is None) == (state == "stopped") for number, state in enumerate(found))
    for number, state in enumerate(found):
        assert (lines(lane(sweep, number))[-1]["step"] == 40) == (state == "finished")
        assert len(steps_in(lane(sweep, number) / "checkpoints")) == 1
    # Two of a group that were validated together: the better one goes on, though it is the later one.
    validations = [[line for line in lines(lane(sweep, number)) if line["split"] == "validation"] for number in (1, 2)]
    assert validations[0][1]["value"] < validations[1][1]["value"]
    assert [len(of_one) > 2 for of_one in validations] == [False, True]
    source = sweep.source()
    assert source.running() == []
    assert source.study.best() == [max((n for n in values if values[n]), key=lambda number: values[number])]


@pytest.mark.long
def test_a_search_that_was_stopped_goes_on_with_its_trials(tmp_path, monkeypatch):
    search, axes = SearchConfig("random", trials=4), {"learning_rate": SEARCHED["learning_rate"]}
    expected = swept(tmp_path / "whole" / "sweep", axes, search=search)
    Stop(monkeypatch, after=7)
    sweep = swept(tmp_path / "stopped" / "sweep", axes, search=search)
    assert "running" in states(sweep)
    Sweep(sweep.directory).work(lanes=TWO_AT_ONCE, show="lines")
    assert states(sweep) == ["finished"] * 4
    for number in range(4):
        assert lane(sweep, number, "config.json") == lane(expected, number, "config.json")
        assert_near(lines(lane(sweep, number)), lines(lane(expected, number)))


@pytest.mark.long
def test_a_search_for_two_objectives_finds_a_front(tmp_path):
    search = SearchConfig("random", trials=4, objectives=("nll", "active_units"))
    sweep = swept(tmp_path / "sweep", {"beta": Interval(0.1, 10.0)}, search=search)
    values = np.array([lane(sweep, number, "lane.json")["objectives"] for number in range(4)])
    for number, (nll, units) in enumerate(values):
        is_beaten = (values[:, 0] <= nll) & (values[:, 1] >= units) & ((values[:, 0] < nll) | (values[:, 1] > units))
        assert (number in sweep.source().study.best()) == (not is_beaten.any())
    for number in (0, 3):
        found = open_run(lane(sweep, number)).evaluate(split="validation", num_samples=20)
        np.testing.assert_allclose(values[number], [found["nll"], found["active_units"]], rtol=1e-5)


@pytest.mark.long
def test_lanes_learn_from_each_other_and_go_on_so_after_a_stop(tmp_path, monkeypatch):
    axes = {"learning_rate": Values((1e-4, 1e-3, 1e-2, 2e-2)), "seed": Values((0, 1))}
    evolution = EvolutionConfig(every=1, share=0.25)
    lanes = LanesConfig(map="vmap")
    expected = swept(tmp_path / "whole", axes, lanes, evolution=evolution)
    history = {number: (lane(expected, number) / "evolution.jsonl") for number in range(8)}
    copies = [json.loads(line) for path in history.values() if path.is_file() for line in path.read_text().splitlines()]
    assert {copy["step"] for copy in copies} == {10, 20, 30}
    assert all(states(expected)[copy["parent"]] == "finished" for copy in copies)
    for number, path in history.items():
        last = json.loads(path.read_text().splitlines()[-1])["learning_rate"] if path.is_file() else None
        config = lane(expected, number, "config.json")["config"]
        assert config["learning_rate"] == (last or axes["learning_rate"].values[number // 2])
        assert config["seed"] == number % 2
    Stop(monkeypatch, after=5)
    sweep = swept(tmp_path / "stopped", axes, lanes, evolution=evolution)
    assert set(states(sweep)) == {"running"}
    # As if it had been killed after it had learned once more, and before that was saved.
    for path in sweep.directory.lanes.glob("*/evolution.jsonl"):
        path.write_text(path.read_text() + '{"step": 30, "parent": 0, "learning_rate": 1.0}\n{"step": 4')
    Sweep(sweep.directory).work(lanes=lanes, show="lines")
    assert contents(sweep) == contents(expected)
    for number, path in history.items():
        other = lane(sweep, number) / "evolution.jsonl"
        assert other.exists() == path.exists()
        assert not path.exists() or other.read_bytes() == path.read_bytes()


def test_a_sweep_from_a_notebook(tmp_path):
    sweep = vj.sweep(SMALL, beta=[1, 4], seed=range(2), hidden_sizes=(4,), run_dir=tmp_path / "sweep")
    nlls = [lane(sweep, number, "evaluation.json")["nll"] for number in range(4)]
    over_seeds = [np.mean(nlls[:2]), np.mean(nlls[2:])]
    assert sweep.best().config.beta == (1.0, 4.0)[int(np.argmin(over_seeds))]
    assert sweep.best("kl").config.beta == 4.0
    assert asdict(sweep.run(3).config) == asdict(FILE.Config(beta=4.0, seed=1, hidden_sizes=(4,)))
    assert [record.state for record in sweep.records()] == ["finished"] * 4


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"beta": ["two", 1.0]}, "expected values of the types of small_experiment's fields; got .*beta"),
        ({"betta": [1.0, 2.0]}, "got 'betta'; did you mean 'beta'"),
        ({"beta": []}, "expected at least one value of beta; got none"),
        ({"beta": vj.Interval(1.0, 2.0)}, "choose a --search"),
        ({}, "expected fields to sweep over"),
    ],
)
def test_what_a_notebook_is_told(tmp_path, fields, expected):
    with pytest.raises(UsageError, match=expected):
        vj.sweep(SMALL, run_dir=tmp_path / "sweep", **fields)
    assert not (tmp_path / "sweep").exists()
