"""Workers as jobs of SLURM: submitit itself, with stand-ins for the cluster's programs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from vae_jax.messages import UsageError
from vae_jax.sweeps.clusters.submit import submit
from vae_jax.sweeps.config import SlurmConfig

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "sbatch": 'echo "Submitted batch job 7"',
    # What comes before the program are options.
    "srun": f'while [ "$1" != {sys.executable} ]; do shift; done; exec "$@"',
    "scontrol": 'echo "$@" >>log',
    # Of the number alone, SLURM would tell of the whole array.
    "squeue": 'case "$*" in *--jobs=7_1) cat state ;; *) echo RUNNING; echo RUNNING ;; esac',
}
# What a sweep does: it goes on with what is there, and saves when it is asked to stop.
SWEEP = """
import pathlib, signal, sys, time
def say(word):
    with open(sys.argv[1], "a") as log:
        log.write(word + "\\n")
def save(*_):
    time.sleep(0.2)
    say("saved")
    sys.exit(0)
if pathlib.Path(sys.argv[1]).exists():
    say("went on")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
say("began")
time.sleep(60)
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder with SLURM's programs, to work in."""
    (tmp_path / "bin").mkdir()
    for name, body in PROGRAMS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "sweep.py").write_text(SWEEP)
    (tmp_path / "state").write_text("RUNNING\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Job(NamedTuple):
    """The second job of an array, its files, and how to start it: in a process group, all of which SLURM signals."""

    folder: Path

    def start(self) -> subprocess.Popen[bytes]:
        array = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "1"}
        return subprocess.Popen(
            ["bash", str(script_in(self.folder / "jobs"))],
            env=os.environ | array,
            start_new_session=True,
            stdout=-3,
            stderr=subprocess.STDOUT,
        )

    def wait_until_over(self) -> None:
        wait_until(lambda: "requeue" in self.log or self.has_result)

    @property
    def has_result(self) -> bool:
        """Whether submitit takes it for over."""
        return bool(list(self.folder.glob("jobs/*result.pkl")))

    @property
    def log(self) -> str:
        """What the command has done, and what SLURM was asked for."""
        return (self.folder / "log").read_text() if (self.folder / "log").exists() else ""


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def script_in(folder: Path) -> Path:
    """What sbatch was given; submitit keeps it by more than one name."""
    return next(folder.glob("*.sh"))


@pytest.fixture
def job(cluster):
    assert submit([sys.executable, "sweep.py", "log"], SlurmConfig(workers=2), cluster / "jobs")[1] == "7_1"
    return Job(cluster)


def test_a_job_for_each_worker_with_what_it_was_given(cluster):
    config = SlurmConfig(3, "long", gpus=2, cpus=4, memory=1.5, hours=0.5, extra=("account=vision", "--exclusive"))
    assert submit(["true"], SlurmConfig(1), cluster / "alone") == ["7"]
    assert submit(["true"], config, cluster / "jobs") == ["7_0", "7_1", "7_2"]
    lines = script_in(cluster / "jobs").read_text().splitlines()
    for option in (
        *("array=0-2%3", "partition=long", "nodes=1", "ntasks-per-node=1", "gpus-per-node=2", "cpus-per-task=4"),
        *("mem=1536M", "time=30", "signal=USR2@180", "requeue", "account=vision", "exclusive", "open-mode=append"),
    ):
        assert f"#SBATCH --{option}" in lines
    assert "--cpus-per-task=4" in next(line for line in lines if line.startswith("srun")).split()


@pytest.mark.parametrize(("hours", "minutes", "seconds_before"), [(24, 1440, 600), (1, 60, 360), (0.05, 3, 60)])
def test_the_notice_comes_in_time_to_save(cluster, hours, minutes, seconds_before):
    submit(["true"], SlurmConfig(1, hours=hours), cluster / "jobs")
    text = script_in(cluster / "jobs").read_text()
    assert f"--time={minutes}\n" in text
    assert f"--signal=USR2@{seconds_before}\n" in text


def test_on_notice_the_command_saves_and_is_queued_again_to_go_on(job):
    process = job.start()
    wait_until(lambda: job.log == "began\n")
    os.killpg(process.pid, signal.SIGUSR2)
    job.wait_until_over()
    assert (job.log, job.has_result) == ("began\nsaved\nrequeue 7_1\n", False)
    assert job.start().wait(30) == 0
    assert (job.log, job.has_result) == ("began\nsaved\nrequeue 7_1\nwent on\n", True)


@pytest.mark.parametrize(("state", "asked"), [("RUNNING", "requeue 7_1\n"), ("COMPLETING", "")])
def test_told_to_stop_a_job_is_queued_again_unless_it_was_cancelled(job, state, asked):
    (job.folder / "state").write_text(f"{state}\n")
    process = job.start()
    wait_until(lambda: job.log == "began\n")
    os.killpg(process.pid, signal.SIGTERM)
    job.wait_until_over()
    assert (job.log, job.has_result) == (f"began\nsaved\n{asked}", not asked)


def test_told_to_stop_before_it_can_save_a_command_is_queued_again(cluster):
    """A program that is still starting dies of the signal."""
    submit(["sh", "-c", "echo began >>log; exec sleep 60"], SlurmConfig(2), cluster / "jobs")
    job = Job(cluster)
    process = job.start()
    wait_until(lambda: job.log == "began\n")
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)
    job.wait_until_over()
    assert job.log == "began\nrequeue 7_1\n"


def test_a_command_that_fails_is_not_queued_again(cluster):
    submit([sys.executable, "-c", "raise SystemExit(3)"], SlurmConfig(2), cluster / "jobs")
    job = Job(cluster)
    assert job.start().wait(30) != 0
    assert job.log == ""
    (result,) = (cluster / "jobs").glob("*result.pkl")
    assert b"the worker ended with exit code 3; its command was" in result.read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "expected at least 1 workers; got 0"),
        ({"gpus": -1}, "expected at least 0 gpus; got -1"),
        ({"cpus": 0}, "expected at least 1 cpus; got 0"),
        ({"hours": 0.01}, "expected at least 0.05 hours, of which one minute to save; got 0.01"),
        ({"memory": 0.0}, "expected GB of memory above zero; got 0.0"),
        ({"extra": ("=vision",)}, "expected options of sbatch as KEY=VALUE or KEY; got '=vision'"),
        ({"extra": ("a b=1",)}, "expected options of sbatch as KEY=VALUE or KEY; got 'a b=1'"),
        ({"extra": ("signal=INT@9",)}, "expected options of sbatch that are not set here (array, cpus-per-task,"),
    ],
)
def test_options_out_of_range(cluster, options, message):
    with pytest.raises(UsageError) as error:
        submit(["true"], SlurmConfig(**{"workers": 1} | options), cluster / "jobs")
    assert message in str(error.value)
    assert not (cluster / "jobs").exists()


def test_without_submitit(cluster, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match=r"expected submitit for jobs of SLURM; .*; pip install 'vae-jax\[slurm\]'"):
        submit(["true"], SlurmConfig(1), cluster / "jobs")


@pytest.mark.parametrize("missing", ["sbatch", "srun"])
def test_where_there_is_no_cluster_nothing_is_run_here_instead(cluster, monkeypatch, missing):
    (cluster / "bin" / missing).unlink()
    monkeypatch.setenv("PATH", str(cluster / "bin"))
    with pytest.raises(UsageError, match=f"expected a machine of a SLURM cluster; it has no {missing}; start from"):
        submit(["true"], SlurmConfig(1), cluster / "jobs")
    assert not (cluster / "jobs").exists()


def test_what_slurm_refuses(cluster):
    (cluster / "bin" / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: invalid partition: gpu' >&2\nexit 1\n")
    with pytest.raises(UsageError, match=r"^expected .* take the jobs; sbatch: error: invalid partition: gpu; give"):
        submit(["true"], SlurmConfig(2, "gpu"), cluster / "jobs")
