"""Kills one process of a run of several with -9, again and again, while the launcher starts it anew from its last save.

    python tests/parallel/kill_a_host.py --kills 10 [--hosts 2] [--seed 0]

The run has to end by itself, with the metrics and the evaluation of a run that nobody has killed, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LAUNCHER = ROOT / "scripts" / "launch_local_hosts"
EXPERIMENT = ROOT / "tests" / "tiny_experiment.py"
NUM_STEPS = 400


class Ended(NamedTuple):
    """What is left of a launched run."""

    code: int
    output: str
    num_kills: int


def launch(run_dir: Path, num_hosts: int, *options: str, restarts: int = 0) -> subprocess.Popen[str]:
    """Start a run of several processes."""
    command = [sys.executable, "-m", "vae_jax", "train", str(EXPERIMENT), "--run-dir", str(run_dir), *options]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(LAUNCHER), str(num_hosts), "--restarts", str(restarts), "--", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=run_dir.parent,
    )


def processes_of(launcher: subprocess.Popen[str]) -> list[int]:
    """The process ids of the hosts, as they are now, in order."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(launcher.pid)], capture_output=True, text=True
    )
    lines = [line.split(maxsplit=1) for line in found.stdout.splitlines()]
    return [int(pid) for pid, args in sorted(lines, key=lambda line: line[1][-3:]) if "--hosts.index" in args]


def wait_for_a_new_line(metrics: Path, size: int, launcher: subprocess.Popen[str], seconds: float = 180) -> bool:
    """Until the metrics have grown beyond a size; False if the launcher ends first."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and launcher.poll() is None:
        if metrics.exists() and metrics.stat().st_size > size:
            return True
        time.sleep(0.02)
    return False


def run_with_kills(
    run_dir: Path, num_hosts: int, num_kills: int, luck: random.Random, num_steps: int = NUM_STEPS
) -> Ended:
    """Train to the end, and kill a process at a random moment of the training so many times."""
    launcher = launch(run_dir, num_hosts, "--num-steps", str(num_steps), restarts=num_kills)
    metrics, done = run_dir / "metrics.jsonl", 0
    while done < num_kills and wait_for_a_new_line(
        metrics, metrics.stat().st_size if metrics.exists() else 0, launcher
    ):
        time.sleep(luck.uniform(0, 0.5))
        pids = processes_of(launcher)
        if len(pids) == num_hosts:
            os.kill(luck.choice(pids), signal.SIGKILL)
            done += 1
            time.sleep(0.5)
    output, _ = launcher.communicate(timeout=600)
    return Ended(launcher.returncode, output, done)


def main() -> int:
    """Print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        left_alone, killed = Path(folder) / "left_alone", Path(folder) / "killed"
        ended = run_with_kills(left_alone, arguments.hosts, 0, random.Random())
        assert ended.code == 0, ended.output
        began = time.monotonic()
        ended = run_with_kills(killed, arguments.hosts, arguments.kills, random.Random(arguments.seed))
        seconds = time.monotonic() - began
        same = ended.code == 0 and all(
            (left_alone / name).read_bytes() == (killed / name).read_bytes()
            for name in ("metrics.jsonl", "evaluation.json")
        )
        print(f"{ended.num_kills} kills, {seconds:.0f} s, exit code {ended.code}, same bytes: {same}")
        if not same:
            print(ended.output)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
