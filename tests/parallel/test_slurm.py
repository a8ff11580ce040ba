"""The SLURM script, with stand-ins for SLURM's own programs."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "launch_slurm.sbatch"


@pytest.fixture
def submit(tmp_path):
    """Run it as SLURM would; what `srun` and `scontrol` are asked for comes back as lines."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("srun", "scontrol"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*"\neval "${name.upper()}"\n')
        (programs / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "VAE_JAX": "vae-jax"}

    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(SCRIPT), *map(str, arguments)]
        return subprocess.run(command, env=environment | variables, capture_output=True, text=True)

    return run


HOSTS = "--hosts.coordinator auto --hosts.timeout 120"


STOPPED = "exit 130"


def begin(run_dir: Path, job: str) -> None:
    """What a job leaves that has begun a run."""
    run_dir.mkdir()
    (run_dir / "config.json").touch()
    (run_dir / "environment.json").write_text(json.dumps({"git": None, "slurm_job": job}, indent=2))


def test_the_first_start_trains_and_an_interrupted_run_goes_back_into_the_queue(submit, tmp_path):
    result = submit("train", "vae", "--run-dir", tmp_path / "run", "--batch-size", "64", SRUN=STOPPED)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        f"srun --kill-on-bad-exit=1 vae-jax train vae --run-dir {tmp_path}/run --batch-size 64 {HOSTS}",
        "scontrol requeue 7",
    ]


def test_a_run_that_this_job_has_begun_goes_on_over_the_same_devices_and_is_done_at_its_end(submit, tmp_path):
    begin(tmp_path / "run", "7")
    devices = ["--parallel.params=4", "--parallel.devices", "8"]
    result = submit("train", "vae", *devices, f"--run-dir={tmp_path / 'run'}", "--overwrite", "--beta", "7")
    resume = f"srun --kill-on-bad-exit=1 vae-jax resume {tmp_path}/run {' '.join(devices)} {HOSTS}"
    assert result.stdout.splitlines() == [resume]


def test_a_run_that_another_job_has_begun_is_what_the_command_makes_of_it(submit, tmp_path):
    """Replaced where that is asked for, and otherwise refused by the command itself."""
    begin(tmp_path / "run", "6")
    for options in (["--overwrite", "--beta", "7"], ["--beta", "7"]):
        result = submit("train", "vae", "--run-dir", tmp_path / "run", *options)
        train = f"vae-jax train vae --run-dir {tmp_path}/run {' '.join(options)} {HOSTS}"
        assert result.stdout.splitlines() == [f"srun --kill-on-bad-exit=1 {train}"]


@pytest.mark.parametrize("restarts", ["0", "1"])
def test_resuming_keeps_its_options_whenever_it_comes(submit, tmp_path, restarts):
    begin(tmp_path / "run", "7")
    command = ["resume", tmp_path / "run", "--num-steps", "500"]
    result = submit(*command, SLURM_RESTART_COUNT=restarts, SRUN=STOPPED)
    assert result.stdout.splitlines() == [
        f"srun --kill-on-bad-exit=1 vae-jax resume {tmp_path}/run --num-steps 500 {HOSTS}",
        "scontrol requeue 7",
    ]


@pytest.mark.parametrize(
    ("states", "srun", "is_done"),
    [
        ([], "", False),
        (["finished", "diverged", "stopped"], "", True),
        (["finished", "running"], "", False),
        (["waiting", "finished"], "", False),
        (["finished", "running"], STOPPED, False),
    ],
)
def test_a_worker_of_a_sweep_goes_back_into_the_queue_while_lanes_are_left(submit, tmp_path, states, srun, is_done):
    """Its command is always the same, and knows of no other hosts."""
    for index, state in enumerate(states):
        lane = tmp_path / "sweep" / "lanes" / f"{index:04}"
        lane.mkdir(parents=True)
        # A field may have any name.
        (lane / "lane.json").write_text(json.dumps({"state": state, "swept": ["running", "waiting"]}, indent=1))
    result = submit("sweep", "vae", "--beta", "1", "2", "--run-dir", tmp_path / "sweep", SRUN=srun)
    command = f"srun --kill-on-bad-exit=1 vae-jax sweep vae --beta 1 2 --run-dir {tmp_path}/sweep"
    assert result.stdout.splitlines() == [command, *([] if is_done else ["scontrol requeue 7"])]


def test_a_run_that_fails_or_has_come_back_a_hundred_times_is_not_queued_again(submit, tmp_path):
    command = ["train", "vae", "--run-dir", tmp_path / "run"]
    failed = submit(*command, SRUN="exit 3")
    assert (failed.returncode, "scontrol" in failed.stdout) == (3, False)
    assert "scontrol" in submit(*command, SLURM_RESTART_COUNT="99", SRUN=STOPPED).stdout
    last = submit(*command, SLURM_RESTART_COUNT="100", SRUN=STOPPED)
    assert (last.returncode, "scontrol" in last.stdout) == (130, False)


def test_a_cancelled_job_does_not_come_back(submit, tmp_path):
    """SLURM signals the script too, and would queue even a cancelled job again if it were asked to."""
    result = submit("train", "vae", "--run-dir", tmp_path / "run", SRUN="kill $PPID")
    assert (result.returncode, "scontrol" in result.stdout) == (-signal.SIGTERM, False)


def test_a_job_of_an_array_has_only_itself_queued_again(submit, tmp_path):
    """The last one of an array has the array's own number."""
    array = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}
    result = submit("sweep", "vae", "--run-dir", tmp_path / "sweep", SRUN=STOPPED, **array)
    assert result.stdout.splitlines()[1] == "scontrol requeue 7_3"


def test_a_step_has_the_processors_of_its_job(submit, tmp_path):
    command = ["train", "vae", "--run-dir", tmp_path / "run"]
    result = submit(*command, SLURM_CPUS_PER_TASK="8", SRUN="echo $SRUN_CPUS_PER_TASK")
    assert result.stdout.splitlines()[1] == "8"


CONNECT = """
import jax
from vae_jax.parallel.config import HostsConfig
from vae_jax.parallel.hosts import connect
connect(HostsConfig("auto", timeout=60))
print(jax.process_count(), jax.config.values["jax_cuda_visible_devices"])
"""


@pytest.mark.parametrize(
    ("variables", "visible"),
    [
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x2)"}, "all"),
        ({"SLURM_STEP_TASKS_PER_NODE": "1", "JAX_LOCAL_DEVICE_IDS": "2,3"}, "2,3"),
        ({"SLURM_STEP_TASKS_PER_NODE": "11"}, "0"),
    ],
)
def test_a_process_alone_on_its_host_has_all_of_its_gpus(variables, visible):
    """Left alone, JAX would give it the first one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    job = {"JOB_ID": "7", "STEP_NODELIST": "localhost", "NTASKS": "1", "PROCID": "0", "LOCALID": "0"}
    environment = os.environ | {f"SLURM_{name}": value for name, value in job.items()} | variables
    environment |= {"PYTHONPATH": str(SCRIPT.parents[1]), "JAX_PLATFORMS": "cpu", "JAX_COORDINATOR_PORT": port}
    ended = subprocess.run([sys.executable, "-c", CONNECT], env=environment, capture_output=True, text=True)
    assert ended.stdout.split() == ["1", visible], ended.stderr


def test_without_a_run_directory_nothing_is_started(submit):
    result = submit("train", "vae")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("expected a command of vae-jax with --run-dir, such as")
