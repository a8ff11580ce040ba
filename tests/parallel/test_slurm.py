"""The SLURM script, with stand-ins for SLURM's own programs."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "launch_slurm.sbatch"


@pytest.fixture
def submit(tmp_path):
    """Run it as SLURM would; what `srun` and `scontrol` are asked for comes back as lines."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("srun", "scontrol"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*"\n')
        (programs / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "SLURM_JOB_ID": "7", "VAE_JAX": "vae-jax"}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(SCRIPT), *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


HOSTS = "--hosts.coordinator auto --hosts.timeout 120"


def test_the_first_start_trains_and_an_unfinished_run_goes_back_into_the_queue(submit, tmp_path):
    result = submit("train", "vae", "--run-dir", tmp_path / "run", "--batch-size", "64")
    assert result.stdout.splitlines() == [
        f"srun --kill-on-bad-exit=1 vae-jax train vae --run-dir {tmp_path}/run --batch-size 64 {HOSTS}",
        "scontrol requeue 7",
    ]


def test_a_run_that_has_begun_goes_on_and_one_with_its_evaluation_is_done(submit, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("config.json", "evaluation.json"):
        (tmp_path / "run" / name).touch()
    result = submit("train", "vae", "--run-dir", tmp_path / "run")
    assert result.stdout.splitlines() == [f"srun --kill-on-bad-exit=1 vae-jax resume {tmp_path}/run {HOSTS}"]


def test_without_a_run_directory_nothing_is_started(submit):
    result = submit("train", "vae")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("expected a command of vae-jax with --run-dir, such as")
