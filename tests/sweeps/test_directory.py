"""A sweep's directory: what is kept there, who may write there, and what is refused."""

import json
import math
import subprocess
import sys

import pytest

from vae_jax.messages import RunError, UsageError
from vae_jax.sweeps.values.axes import Interval, Values, from_json, to_json
from vae_jax.sweeps.values.trial import Trial
from vae_jax.sweeps.work import directory as directories
from vae_jax.sweeps.work.directory import ENDED, SweepDirectory, SweepSpec
from vae_jax.sweeps.work.judge import StackJudge

SPEC = SweepSpec(
    experiment="vae",
    config={"seed": 0, "data": {"name": "digits"}, "hidden_sizes": [8, 4]},
    num_steps=None,
    axes={"beta": [1.0, 2.0], "hidden_sizes": [[8], [8, 4]]},
    side_by_side=["beta"],
    is_zipped=False,
    search=None,
    evolution=None,
)
CONTENT = "'''Ünlike any other.'''\n".encode()
KEPT = {"experiment.py": CONTENT, "experiment_modules/deep/helper.py": b"NUMBER = 1"}


@pytest.fixture
def begun(tmp_path):
    """A directory with a sweep in it."""
    directory = SweepDirectory(tmp_path / "deep" / "sweep")
    directory.create(SPEC, {"jax": "1"}, KEPT)
    return directory


def test_what_was_created_is_read_again(begun):
    again = SweepDirectory(begun.path)
    assert again.exists
    assert again.read_spec() == SPEC
    assert again.read_environment() == {"jax": "1"}
    assert again.experiment.read_bytes() == CONTENT
    assert {path.name for path in begun.path.iterdir()} - {".lock"} == {
        "sweep.json",
        "experiment.py",
        "experiment_modules",
        "environment.json",
    }
    assert (begun.modules / "deep" / "helper.py").read_bytes() == b"NUMBER = 1"


def test_axes_and_a_search_come_back_from_a_file(tmp_path):
    axes = {"beta": Interval(0.1, 1.0, is_log=True), "sizes": Values(((8,), (8, 4))), "seed": Values((0, 1))}
    search = {"sampler": "tpe", "trials": 4, "objectives": ["value", "kl"]}
    spec = SPEC._replace(axes={name: to_json(axis) for name, axis in axes.items()}, search=search)
    directory = SweepDirectory(tmp_path / "sweep")
    directory.create(spec, {}, KEPT)
    read = SweepDirectory(directory.path).read_spec()
    assert {name: from_json(axis) for name, axis in read.axes.items()} == axes
    assert read.search == search
    directory.check(spec, KEPT)


def test_a_directory_that_was_made_before_or_left_half_made_is_taken(tmp_path):
    path = tmp_path / "sweep"
    path.mkdir()
    for name in (".lock", "experiment.py", "environment.json", ".sweep.json.writing", ".experiment.py.writing"):
        (path / name).write_text("half")
    directory = SweepDirectory(path)
    assert not directory.exists
    directory.create(SPEC, {}, KEPT)
    assert directory.read_spec() == SPEC
    assert directory.experiment.read_bytes() == CONTENT


def test_to_create_it_twice_is_to_join_it(begun):
    before = begun.spec.stat().st_mtime_ns
    SweepDirectory(begun.path).create(SPEC, {"jax": "2"}, KEPT)
    assert begun.read_environment() == {"jax": "1"}
    assert begun.spec.stat().st_mtime_ns == before


def test_another_worker_may_create_it_first(begun, monkeypatch):
    """Between the look at an empty directory and the lock."""
    late = SweepDirectory(begun.path)
    looks = iter([False])
    monkeypatch.setattr(SweepDirectory, "exists", property(lambda self: next(looks, self.spec.is_file())))
    monkeypatch.setattr(type(begun.path), "iterdir", lambda self: iter(()))
    late.create(SPEC, {"jax": "2"}, KEPT)
    assert late.read_environment() == {"jax": "1"}


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (
            {"axes": {"beta": [1.0, 3.0]}},
            'axes is {"beta": [1.0, 2.0], "hidden_sizes": [[8], [8, 4]]}, got {"beta": [1.0, 3.0]}',
        ),
        ({"num_steps": 7}, "num steps is null, got 7"),
        ({"experiment": "vae_2d"}, 'experiment is "vae", got "vae_2d"'),
        ({"is_zipped": True}, "is zipped is false, got true"),
        ({"search": {"sampler": "tpe"}}, 'search is null, got {"sampler": "tpe"}'),
    ],
)
def test_another_sweep_is_refused(begun, change, differs):
    before = begun.spec.read_bytes()
    for refuse in (begun.check, lambda spec, content: begun.create(spec, {}, content)):
        with pytest.raises(UsageError) as caught:
            refuse(SPEC._replace(**change), KEPT)
        assert str(caught.value) == (
            f"expected the sweep that is in {begun.path}, to go on with it; its {differs}; give the same command, "
            f"'vae-jax resume {begun.path}', or another --run-dir"
        )
    assert begun.spec.read_bytes() == before


def test_tuples_are_lists_to_the_file_and_no_difference(begun):
    begun.check(SPEC._replace(axes={"beta": (1.0, 2.0), "hidden_sizes": ((8,), (8, 4))}), KEPT)


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (KEPT | {"experiment.py": CONTENT + b"# more\n"}, "experiment.py"),
        (KEPT | {"experiment_modules/deep/helper.py": b"NUMBER = 2"}, "experiment_modules/deep/helper.py"),
        (KEPT | {"experiment_modules/other.py": b""}, "experiment_modules/other.py"),
        ({"experiment.py": CONTENT}, "experiment_modules/deep/helper.py"),
    ],
)
def test_an_experiment_file_or_a_module_that_has_changed_is_refused(begun, now, changed):
    with pytest.raises(UsageError) as caught:
        begun.check(SPEC, now)
    assert str(caught.value) == (
        f"expected the experiment file that the sweep in {begun.path} was begun with; {changed} has changed; go on "
        f"with the old one by 'vae-jax resume {begun.path}', or give another --run-dir"
    )


def test_modules_of_a_sweep_that_was_not_begun_to_its_end_are_not_kept(tmp_path):
    directory = SweepDirectory(tmp_path)
    directory.environment.write_text("half")
    directory.modules.mkdir()
    (directory.modules / "helper.py").write_text("NUMBER = 0")
    directory.create(SPEC, {}, KEPT)
    assert [path.name for path in directory.modules.rglob("*.py")] == ["helper.py"]
    assert not (directory.modules / "helper.py").exists()


@pytest.mark.parametrize("name", ["config.json", "notes.txt", "lanes", ".hidden", "experiment_modules"])
def test_a_directory_that_holds_something_else_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / "experiment.py").touch()
    with pytest.raises(UsageError) as caught:
        SweepDirectory(tmp_path).create(SPEC, {}, KEPT)
    assert str(caught.value) == (
        f"expected a new or empty directory for the sweep; {tmp_path} holds {name} and is no sweep; "
        "give another --run-dir"
    )
    assert {path.name for path in tmp_path.iterdir()} == {name, "experiment.py"}


def test_a_file_is_refused(tmp_path):
    (tmp_path / "sweep").touch()
    with pytest.raises(UsageError) as caught:
        SweepDirectory(tmp_path / "sweep").check(SPEC, KEPT)
    assert str(caught.value) == (
        f"expected a directory for the sweep; {tmp_path / 'sweep'} is a file; give another --run-dir"
    )


def test_no_sweep(tmp_path):
    with pytest.raises(UsageError) as caught:
        SweepDirectory(tmp_path).read_spec()
    assert str(caught.value) == f"expected a sweep; {tmp_path} has no sweep.json; start one with vae-jax sweep"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b"{}", b'{"experiment": "vae"}', b"\xff\xfe", b'{"more": 1}']
)
def test_a_damaged_sweep_json(begun, content):
    begun.spec.write_bytes(content)
    with pytest.raises(UsageError, match=r"^expected what vae-jax sweep has written in .*sweep\.json; .+$") as caught:
        begun.read_spec()
    assert "\n" not in str(caught.value)


def test_lanes_have_numbers_and_a_status(begun):
    assert begun.lane(7).path == begun.lanes / "0007"
    assert begun.lane(12345).path == begun.lanes / "12345"
    assert begun.status(7) == "waiting"
    assert begun.values(7) is None
    begun.lane(7).path.mkdir(parents=True)
    begun.set_status(7, "running", ["beta", "seed"])
    assert begun.status(7) == "running"
    assert begun.values(7) is None
    begun.set_status(7, "finished", ["beta", "seed"], [1.5, math.nan, -math.inf])
    assert begun.status(7) == "finished"
    first, *others = begun.values(7) or []
    assert first == 1.5
    assert len(others) == 2
    assert all(map(math.isnan, others))
    saved = json.loads((begun.lanes / "0007" / "lane.json").read_text(), parse_constant=pytest.fail)
    assert saved == {"state": "finished", "swept": ["beta", "seed"], "objectives": [1.5, None, None]}
    assert {"finished", "stopped", "diverged"} == {*ENDED}


def test_stacks_are_listed_by_age(begun):
    assert begun.stack_directories() == []
    for name in ("010", "002", "damaged", ".lock"):
        (begun.stacks / name).mkdir(parents=True)
    assert begun.stack_directories() == [begun.stacks / "002", begun.stacks / "010"]


HOLD = """
import sys
from pathlib import Path
from vae_jax.sweeps.work.directory import SweepDirectory
with SweepDirectory(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_keeps_other_processes_out_and_goes_with_its_own(begun, monkeypatch):
    monkeypatch.setattr(directories, "SECONDS_FOR_A_CLAIM", 0.05)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(begun.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        here = SweepDirectory(begun.path)
        with pytest.raises(RunError) as caught, here.lock():
            pytest.fail("two have the lock")
        assert str(caught.value) == (
            f"expected the other workers of {begun.path} to choose their lanes within 0.05 s; one holds the sweep's "
            "lock; see what it does, and start this one again"
        )
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    with here.lock(), here.lock():  # free again, and who has it may take it again
        pass


def test_no_lane_is_begun_in_a_sweep_that_is_gone(tmp_path):
    judge = StackJudge(SweepDirectory(tmp_path / "sweep"), *[None] * 7)
    with pytest.raises(RunError, match=r"expected .*sweep to stay where it is .*; it was removed or renamed; bring it"):
        judge.begin(Trial(0, {}), None)
    assert not (tmp_path / "sweep").exists()
