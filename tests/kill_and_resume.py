"""Kill training with `kill -9` at random instants, go on, and compare with a run that nobody killed.

    python tests/kill_and_resume.py --kills 20

Each run is killed while it starts, trains or ends, and then resumed, or trained anew where it had not become a run yet.
Its last and best checkpoints are compared bit by bit, and all other files of the run directory byte by byte.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXPERIMENT = Path(__file__).parent / "tiny_experiment.py"
PATIENCE = 300.0  # seconds that a process may take before it counts as hung


def command(run: Path, num_steps: int, *, fresh: bool) -> list[str]:
    """What starts a run, or goes on with it."""
    start = [sys.executable, "-m", "vae_jax"]
    if not fresh:
        return [*start, "resume", str(run)]
    return [*start, "train", str(run.parent / EXPERIMENT.name), "--run-dir", str(run), "--num-steps", str(num_steps)]


def begin(run: Path, num_steps: int, *, fresh: bool) -> subprocess.Popen[str]:
    """Start it; what it says goes to a file beside the run."""
    run.parent.mkdir(parents=True, exist_ok=True)
    # A copy outside of the repository, whose state a run records: a commit in the meantime would be a difference.
    shutil.copy(EXPERIMENT, run.parent)
    with (run.parent / "log.txt").open("a") as log:
        return subprocess.Popen(command(run, num_steps, fresh=fresh), stdout=log, stderr=log, text=True)


def last_step(run: Path) -> int:
    """The step of the newest checkpoint, or -1."""
    names = [path.name for path in run.glob("checkpoints/*")]
    return max((int(name) for name in names if name.isdecimal()), default=-1)


def wait_for(process: subprocess.Popen[str], condition) -> float:
    """Seconds until it holds or the process has ended."""
    began = time.monotonic()
    while not condition() and process.poll() is None:
        if time.monotonic() - began > PATIENCE:
            process.kill()
            raise TimeoutError(f"{process.args} did not get there in {PATIENCE:.0f} s")
        time.sleep(0.002)
    return time.monotonic() - began


def timed_run(run: Path, num_steps: int) -> tuple[float, float]:
    """Run undisturbed; seconds until it is a run, and from the last checkpoint to the end."""
    process = begin(run, num_steps, fresh=True)
    starting = wait_for(process, (run / "config.json").is_file)
    wait_for(process, lambda: last_step(run) == num_steps)
    ending = wait_for(process, lambda: False)
    if process.returncode != 0:
        raise SystemExit(f"the undisturbed run failed:\n{(run.parent / 'log.txt').read_text()}")
    return starting, ending


def kill_somewhere(run: Path, num_steps: int, rng: random.Random, times: tuple[float, float]) -> str | None:
    """Start a run, kill it at a random instant, and say where that was; None if it was at its end before."""
    process = begin(run, num_steps, fresh=True)
    starting, ending = times
    phase = rng.choices(["starting", "training", "ending"], [2, 6, 2])[0]
    if phase == "starting":
        time.sleep(rng.uniform(0.3, 1.2) * starting)
    elif phase == "training":
        step = rng.randrange(num_steps)
        wait_for(process, lambda: last_step(run) >= step)
        time.sleep(rng.uniform(0, 0.15))
    else:
        wait_for(process, lambda: last_step(run) == num_steps)
        time.sleep(rng.uniform(0, 0.7 * ending))
    process.send_signal(signal.SIGKILL)
    if process.wait() == 0:
        return None
    where = f"after checkpoint {last_step(run)}" if (run / "config.json").exists() else "before it was a run"
    return f"{phase:8} {where:24}"


def differences(run: Path, expected: Path) -> list[str]:
    """What is not the same in two run directories, in words."""
    found = []
    files, expected_files = other_files(run), other_files(expected)
    for name in sorted(files.keys() | expected_files.keys()):
        if name not in files or name not in expected_files:
            found.append(f"{name} is only in {'one' if name in files else 'the other'}")
        elif files[name] != expected_files[name]:
            found.append(f"{name} differs")
    for select in ("latest", "best"):
        for path, (leaf, expected_leaf) in progress_leaves(run, expected, select).items():
            if leaf != expected_leaf:
                found.append(f"the {select} checkpoint differs in {path}")
    return found


def other_files(run: Path) -> dict[str, bytes]:
    """All files but the lock and the checkpoints, whose own files hold times and random names."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name != ".lock" and path.relative_to(run).parts[0] != "checkpoints"
    }


def progress_leaves(run: Path, expected: Path, select: str) -> dict[str, tuple[bytes, bytes]]:
    """The arrays of two checkpoints side by side: parameters, optimizer, average, random key, sums."""
    import jax
    import numpy as np

    from vae_jax.data.feed import make_feed
    from vae_jax.runs.begin import open_run
    from vae_jax.training.advance import abstract_start
    from vae_jax.training.checkpoint import Record
    from vae_jax.training.saved import read_for_a_look, read_step, steps_in

    def leaves(path: Path) -> dict[str, bytes]:
        experiment = open_run(path).experiment
        examples, key = experiment.dataset.train.examples, jax.random.key(0)
        feed = make_feed(examples, experiment.transform.apply, experiment.budget.batch_size, key)
        target = abstract_start(experiment.trainer, feed, key)
        checkpoints = path / "checkpoints"
        progress, record = read_for_a_look(checkpoints, target, record_type=Record)  # type: ignore[misc]
        if select == "best":
            progress, _ = read_step(checkpoints, record.best.step, target, record_type=Record)
        found = {"steps": repr(steps_in(checkpoints)).encode(), "record": repr(record).encode()}
        progress = progress._replace(state=progress.state._replace(key=jax.random.key_data(progress.state.key)))
        for where, leaf in jax.tree_util.tree_leaves_with_path(progress):
            found[jax.tree_util.keystr(where)] = np.asarray(leaf).tobytes()
        return found

    ours, theirs = leaves(run), leaves(expected)
    return {path: (ours.get(path, b"none"), theirs.get(path, b"none")) for path in sorted(ours.keys() | theirs.keys())}


def main() -> int:
    """Kill and compare; the exit code says whether all ends were the same."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--num-steps", type=int, default=300, help="of a run (default 300)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    num_steps = arguments.num_steps

    rng = random.Random(arguments.seed)
    num_different = 0
    with tempfile.TemporaryDirectory() as folder:
        # The runs share one cache of compiled programs, so that more of their time is spent where they can be killed.
        # Nobody else does: a process that is killed may leave half an entry in it.
        os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{folder}/cache"
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        expected = Path(folder) / "undisturbed" / "run"
        times = timed_run(expected, num_steps)
        for number in range(arguments.kills):
            run, where = Path(folder) / str(number) / "run", None
            while where is None:
                shutil.rmtree(run, ignore_errors=True)
                where = kill_somewhere(run, num_steps, rng, times)
            process = begin(run, num_steps, fresh=not (run / "config.json").exists())
            wait_for(process, lambda: False)
            log = (run.parent / "log.txt").read_text()
            if process.returncode != 0:
                found = [f"going on failed with exit code {process.returncode}:\n{log}"]
            else:
                found = differences(run, expected)
            num_different += bool(found)
            print(f"kill {number + 1:3}: {where}  {'; '.join(found) or 'the same end'}", flush=True)
    print(f"{arguments.kills - num_different} of {arguments.kills} ends are the same")
    return 1 if num_different else 0


if __name__ == "__main__":
    sys.exit(main())
