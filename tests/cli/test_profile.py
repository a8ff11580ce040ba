"""`--profile A:B`: what it writes, what it leaves as it is, and what it refuses."""

import gzip
import json

import pytest

from vae_jax.machine.flops import Work
from vae_jax.runs import display as displays
from vae_jax.runs.directory import RunDirectory

BAD = [
    ("5", "expected --profile A:B with steps 0 ≤ A < B; got 5; 100:110 profiles steps 100 to 109"),
    ("9:3", "expected --profile A:B with steps 0 ≤ A < B; got 9:3; 100:110 profiles steps 100 to 109"),
    ("3:3", "expected --profile A:B with steps 0 ≤ A < B; got 3:3; 100:110 profiles steps 100 to 109"),
    ("-1:3", "expected --profile A:B with steps 0 ≤ A < B; got -1:3; 100:110 profiles steps 100 to 109"),
    ("1:2:3", "expected --profile A:B with steps 0 ≤ A < B; got 1:2:3; 100:110 profiles steps 100 to 109"),
    ("", "expected --profile A:B with steps 0 ≤ A < B; got ; 100:110 profiles steps 100 to 109"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_is_no_range_is_refused_at_once(refusal, run, tiny, tmp_path, contents, given, message):
    before = contents(run)
    assert refusal("train", tiny, "--run-dir", tmp_path / "new", "--profile", given) == message
    assert refusal("train", tiny, "--run-dir", run, "--overwrite", "--profile", given) == message
    assert refusal("resume", run, "--num-steps", 40, "--profile", given) == message
    assert not (tmp_path / "new").exists()
    assert contents(run) == before


@pytest.mark.parametrize("given", ["25:31", "30:35", "100:110"])
def test_steps_beyond_the_last_are_refused(refusal, run, tiny, tmp_path, contents, given):
    before = contents(run)
    message = (
        f"expected --profile within the steps that are to come, 0:30; got {given}; --num-steps says how many there are"
    )
    assert refusal("train", tiny, "--run-dir", tmp_path / "new", "--profile", given) == message
    assert refusal("train", tiny, "--run-dir", run, "--overwrite", "--profile", given) == message
    assert not (tmp_path / "new").exists()
    assert contents(run) == before


@pytest.mark.parametrize("given", ["29:31", "10:20", "35:41"])
def test_steps_that_a_resumed_run_does_not_do_are_refused(refusal, run, contents, given):
    before = contents(run)
    message = (
        f"expected --profile within the steps that are to come, 30:40; got {given}; --num-steps says how many there are"
    )
    assert refusal("resume", run, "--num-steps", 40, "--profile", given) == message
    assert contents(run) == before


def test_a_profile_changes_nothing_else(vae_jax, trained, tiny, tmp_path, contents):
    path = tmp_path / "run"
    result = vae_jax("train", tiny, "--run-dir", path, "--profile", "12:16")
    assert result.code == 0
    assert f"profile of steps 12 to 15: {path / 'profile'}" in result.out.splitlines()
    expected, found = contents(trained), contents(path)
    for name, content in expected.items():
        if not name.startswith("checkpoints"):  # their files hold times; test_tracer compares their contents
            assert found[name] == content, name
    assert list((path / "profile").rglob("*.xplane.pb"))
    (trace,) = (path / "profile").rglob("*.trace.json.gz")
    with gzip.open(trace) as file:
        names = {event.get("name") for event in json.load(file)["traceEvents"]}
    assert "PjitFunction(many)" in names  # the compiled call of `advance`

    assert vae_jax("train", tiny, "--run-dir", path, "--overwrite", "--num-steps", 1).code == 0
    assert not (path / "profile").exists()


@pytest.mark.usefixtures("without_a_page")
def test_a_run_that_ends_before_says_so(vae_jax, run, monkeypatch):
    """Early stopping, or a signal: the steps to profile never came."""
    from vae_jax.runs.run import Run
    from vae_jax.training.checkpoint import Best
    from vae_jax.training.loop import Outcome

    monkeypatch.setattr(Run, "train", lambda self: Outcome(33, Best(30, 0.0), "no new best in 1 validations", True))
    result = vae_jax("resume", run, "--num-steps", 40, "--profile", "35:37")
    assert "no profile: training ended at step 33, before step 35" in result.out.splitlines()
    result = vae_jax("resume", run, "--num-steps", 40, "--profile", "32:37")
    assert f"profile of steps 32 to 32: {RunDirectory(run).profile}" in result.out.splitlines()


@pytest.mark.usefixtures("without_a_page")
def test_the_display_is_told_what_an_image_costs(vae_jax, run, monkeypatch):
    told = []
    monkeypatch.setattr(
        displays, "display", lambda num_steps, work, **_: told.append(work) or displays.Plain(num_steps)
    )
    assert vae_jax("resume", run).code == 0
    environment = json.loads((run / "environment.json").read_text("utf-8"))
    assert told == [Work(environment["flops_per_step"] / 100, None)]  # a CPU has no peak in the table

    del environment["flops_per_step"]  # a run of an earlier version
    (run / "environment.json").write_text(json.dumps(environment))
    assert vae_jax("resume", run).code == 0
    assert told[1] == Work(None, None)


def test_the_newest_step_is_read_from_names(run, tmp_path):
    assert RunDirectory(run).latest_step == 30
    (run / "checkpoints" / "40.orbax-checkpoint-tmp").mkdir()
    assert RunDirectory(run).latest_step == 30
    assert RunDirectory(tmp_path / "nowhere").latest_step == 0
