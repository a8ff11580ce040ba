"""Runs of two processes on this machine, started by the launcher as a user would."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys

import pytest
from kill_a_host import EXPERIMENT, ROOT, launch, run_with_kills, wait_for_a_new_line

from vae_jax.cli.main import main
from vae_jax.parallel.config import ParallelConfig
from vae_jax.runs.begin import open_run, resume

NUM_STEPS = 120
"""Some seconds, in which a process can be killed."""


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory):
    """A run of two processes that nobody disturbs."""
    folder = tmp_path_factory.mktemp("left_alone") / "run"
    ended = run_with_kills(folder, 2, 0, random.Random(), NUM_STEPS)
    assert ended.code == 0, ended.output
    assert "on 2 devices of 2 hosts: the batch in 2 shares" in ended.output
    return folder


def values(run_dir):
    """What the metrics say of a step and split."""
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return {(line["step"], line["split"]): line["value"] for line in lines}


def test_two_processes_do_what_one_does(left_alone, tmp_path):
    """To rounding, while it has not grown much in training."""
    assert main(["train", "tests/tiny_experiment.py", "--num-steps", "30", "--run-dir", str(tmp_path / "run")]) == 0
    alone, together = values(tmp_path / "run"), values(left_alone)
    common = alone.keys() & together.keys()
    assert {(0, "validation"), (7, "train"), (28, "train"), (30, "validation")} <= common
    for place in common - {(30, "train")}:  # the last line of the shorter run is of fewer steps
        assert together[place] == pytest.approx(alone[place], rel=1e-5), place


@pytest.mark.long
def test_a_killed_process_ends_the_others_and_the_launcher_starts_them_again(left_alone, tmp_path):
    ended = run_with_kills(tmp_path / "run", 2, 1, random.Random(1), NUM_STEPS)
    assert (ended.code, ended.num_kills) == (0, 1), ended.output
    assert "starting again" in ended.output
    for name in ("metrics.jsonl", "evaluation.json"):
        assert (tmp_path / "run" / name).read_bytes() == (left_alone / name).read_bytes()


def test_a_signal_saves_one_checkpoint_and_one_process_goes_on(left_alone, tmp_path):
    """A signal to all, which they hear at different moments; then the same run on a single process."""
    run_dir = tmp_path / "run"
    launcher = launch(run_dir, 2, "--num-steps", "100000")
    for _ in range(3):
        metrics = run_dir / "metrics.jsonl"
        assert wait_for_a_new_line(metrics, metrics.stat().st_size if metrics.exists() else 0, launcher)
    launcher.send_signal(signal.SIGTERM)
    output, _ = launcher.communicate(timeout=120)
    assert launcher.returncode == 130, output
    assert "stopped by SIGTERM at step" in output
    step = max(int(path.name) for path in (run_dir / "checkpoints").iterdir() if path.name.isdecimal())
    assert step > 0
    resume(run_dir, num_steps=step + 20, parallel=ParallelConfig(devices=1))
    assert open_run(run_dir).params("latest")[1]["checkpoint_step"] == step + 20


def test_hosts_that_were_started_for_something_else_are_refused(tmp_path):
    """Each by itself: the launcher gives all the same."""

    def host(index):
        command = [sys.executable, "-m", "vae_jax", "train", str(EXPERIMENT), "--run-dir", str(tmp_path / "run")]
        command += ["--seed", str(index), "--hosts.coordinator", f"127.0.0.1:{port}", "--hosts.num", "2"]
        environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [*command, "--hosts.index", str(index)], stderr=subprocess.PIPE, text=True, env=environment
        )

    port = free_port()
    hosts = [host(0), host(1)]
    said = [process.communicate(timeout=180)[1] for process in hosts]
    assert [process.returncode for process in hosts] == [2, 2], said
    for text in said:
        assert "vae-jax: expected the same experiment and options on all hosts; that of host 1 is not" in text
        assert "Traceback" not in text
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("index", [0, 1])
def test_others_that_do_not_come_are_waited_for_so_long(tmp_path, index):
    command = [sys.executable, "-m", "vae_jax", "train", str(EXPERIMENT), "--run-dir", str(tmp_path / "run")]
    command += ["--hosts.coordinator", f"127.0.0.1:{free_port()}", "--hosts.num", "2", "--hosts.index", str(index)]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([*command, "--hosts.timeout", "2"], env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert re.fullmatch(
        r"vae-jax: expected the other processes of the run at [\d.:]+ within 2 s; not all came; .*", line
    )
    assert not (tmp_path / "run").exists()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
