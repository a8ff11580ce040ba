"""A run knows its data again: others are refused with what differs, or accepted and noted."""

import json
import os
import textwrap
from pathlib import Path

import numpy as np
import pytest

import vae_jax as vj
from vae_jax.catalogue import load_experiment
from vae_jax.messages import UsageError
from vae_jax.runs.begin import begin as begin_run
from vae_jax.runs.begin import open_run
from vae_jax.runs.directory import RunDirectory
from vae_jax.runs.same_data import accepted_in_words, begun_with, check_data
from vae_jax.sweeps.sweep import begin
from vae_jax.sweeps.values.axes import Values
from vae_jax.sweeps.work.directory import SweepDirectory

TINY = Path(__file__).parent.parent / "tiny_experiment.py"


def table(seed=0, num=40):
    rows = np.random.default_rng(seed).integers(0, 17, (num, 8, 8), dtype=np.uint8)
    return vj.data.from_object(rows, name="noise", max_value=16)


def begun(path, data):
    path.mkdir()
    run = RunDirectory(path)
    run.create({"experiment": "x", "config": {}, "num_steps": None}, {}, {"experiment.py": b""}, begun_with(data))
    return run


def test_the_same_data_pass_and_others_are_refused_with_what_differs(tmp_path):
    run = begun(tmp_path / "run", table())
    check_data(run, table())
    with pytest.raises(UsageError) as raised:
        check_data(run, table(num=41))
    then, now = (data.fingerprint["split train"] for data in (table(), table(num=41)))
    assert str(raised.value) == (
        f"expected the data that the run in {run.path} was begun with, split train: {then}; got {now}; bring the "
        "former back, or accept them by --accept-data, which the run records"
    )
    assert (then[:11], now[:11]) == ("32 examples", "33 examples")
    with pytest.raises(UsageError, match=r"columns: none; got 2 \(a, b\), checksum"):
        check_data(run, vj.data.Dataset("noise", "", table().splits, 16, columns=("a", "b")))
    assert json.loads(run.data.read_text("utf-8")) == begun_with(table())


def test_data_that_are_accepted_are_noted_and_pass_from_then_on(tmp_path, capsys):
    run = begun(tmp_path / "run", table())
    assert accepted_in_words(run) == {}
    (run.checkpoints / "30").mkdir(parents=True)
    check_data(run, table(1), accept=True)
    assert capsys.readouterr().out == f"other data than the run was begun with are accepted, and noted in {run.data}\n"
    assert json.loads(run.data.read_text("utf-8")) == {
        "begun_with": table().fingerprint,
        "accepted": [{"at_step": 30, "data": table(1).fingerprint}],
    }
    for data in (table(), table(1)):
        check_data(run, data)
        check_data(run, data, accept=True)
    assert capsys.readouterr().out == ""
    with pytest.raises(UsageError, match="expected the data that the run in"):
        check_data(run, table(2))
    assert accepted_in_words(run) == {
        "other data": "accepted at step 30, in place of those that the run was begun with"
    }


def test_a_run_of_an_earlier_version_is_not_evaluated_on_drawn_splits(tmp_path):
    """It was trained on rows that are in the test split now."""
    run = begun(tmp_path / "run", table())
    run.data.unlink()
    check_data(run, vj.data.load("digits"))  # these splits are as they were
    with pytest.raises(UsageError) as raised:
        check_data(run, table())
    assert str(raised.value) == (
        f"expected the splits of the run in {run.path}, which an earlier version counted; got drawn splits of noise, "
        "where it was trained on some of the test examples; train it anew, or accept them by --accept-data, which the "
        "run records"
    )
    check_data(run, table(), accept=True)
    check_data(run, table())


@pytest.fixture
def own(tmp_path):
    """An experiment on a file by a relative path, in a folder of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    source = TINY.read_text("utf-8").replace(
        "    seed: int = 0\n", '    data: vj.DataConfig = vj.DataConfig("x.npz")\n    """Data."""\n    seed: int = 0\n'
    )
    (folder / "mine.py").write_text(source.replace('vj.data.load("digits")', "vj.data.load(config.data)"))
    save(folder / "x.npz", 0)
    return folder


def save(path, seed):
    rows = np.random.default_rng(seed).integers(0, 17, (200, 8, 8), dtype=np.uint8)
    np.savez(path, images=rows)


def test_a_run_is_opened_from_any_folder_with_its_own_data_or_not_at_all(own, tmp_path, monkeypatch):
    monkeypatch.chdir(own)
    file = load_experiment("mine.py")
    run = begin_run(file, file.Config(), own / "run", overwrite=False, num_steps=None).directory
    dataset = vj.data.load("x.npz")
    assert json.loads(run.data.read_text("utf-8")) == begun_with(dataset)
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "x.npz", 1)  # another file of the same name, in the folder of the call
    assert open_run(run.path).experiment.dataset.fingerprint == dataset.fingerprint
    os.replace("x.npz", own / "x.npz")
    with pytest.raises(UsageError, match=r"was begun with, split train: 160 examples, checksum .* --accept-data"):
        open_run(run.path)
    assert open_run(run.path, accept_data=True).experiment.dataset.fingerprint != dataset.fingerprint
    assert open_run(run.path)


def test_the_lanes_of_a_sweep_go_on_with_their_own_data_alone(own, monkeypatch):
    monkeypatch.chdir(own)
    file = load_experiment("mine.py")
    sweep = begin(file, file.Config(), {"learning_rate": Values((0.1, 0.2))}, run_dir=own / "sweep")
    lane = sweep.directory.lane(0)
    lane.path.mkdir(parents=True)
    record = {"experiment": "mine", "config": {"learning_rate": 0.1}, "num_steps": None}
    lane.create(record, {}, {"experiment.py": b""}, begun_with(table()))
    with pytest.raises(UsageError, match=rf"the data that the run in {lane.path} was begun with"):
        sweep.work()
    with pytest.raises(UsageError, match=rf"the data that the run in {lane.path} was begun with"):
        sweep.report()
    sweep.check_data(accept=True)
    sweep.check_data()
    assert accepted_in_words(lane)


def test_the_directory_of_a_run_may_be_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    begun(tmp_path / "run", table())
    assert RunDirectory(Path("~/run")).exists
    assert SweepDirectory(Path("~/sweep")).lane(0).path == tmp_path / "sweep" / "lanes" / "0000"


def test_data_that_cannot_be_read_are_refused_before_anything_is_written(own, monkeypatch):
    """A stream is read for the first time for its fingerprint."""
    monkeypatch.chdir(own)
    source = (own / "mine.py").read_text("utf-8")
    broken = "vj.data.from_object(Broken(), feed='stream')\n\n\nclass Broken(list):\n" + textwrap.indent(
        textwrap.dedent(
            """
            def __len__(self):
                return 20

            def __getitem__(self, index):
                import numpy as np

                if index == 19:
                    raise OSError("the disk is gone")
                return np.zeros((8, 8), np.uint8)
            """
        ),
        "    ",
    )
    (own / "mine.py").write_text(source.replace("vj.data.load(config.data)", broken))
    file = load_experiment("mine.py")
    with pytest.raises(UsageError, match=r"expected data; .*line 46.* fails: OSError: the disk is gone"):
        begin_run(file, file.Config(), own / "run", overwrite=False, num_steps=None)
    assert not (own / "run").exists()
