"""Kill workers of a sweep at random instants, and hold its end against that of a sweep which was left alone.

python tests/sweep/kill_a_sweep.py --kills 10               one worker, killed ten times
python tests/sweep/kill_a_sweep.py --kills 10 --workers 2   two, of which one is killed each time
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALL = Path(__file__).parent / "small_experiment.py"
FIELDS = ["--beta", "1", "4", "--seed", "0:3", "--hidden-sizes", "4", "8", "--num-steps", "60"]
OPTIONS = ["--lanes.num", "2", "--lanes.map", "vmap", "--show", "lines"]


def command(directory: Path) -> list[str]:
    return [sys.executable, "-m", "vae_jax", "sweep", str(SMALL), *FIELDS, *OPTIONS, "--run-dir", str(directory)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # outside of any repository, whose state would be noted
        alone, killed = Path(folder) / "alone", Path(folder) / "killed"
        seconds = left_alone(alone)
        print(f"left alone: {seconds:.1f} s")
        ended_before: dict[str, int] = {}
        workers = [start(killed) for _ in range(arguments.workers)]
        num_kills, num_problems = 0, 0
        while num_kills < arguments.kills:
            time.sleep(chance.uniform(0.2, 1.0) * seconds)
            index = chance.randrange(len(workers))
            if workers[index].poll() is None:
                workers[index].send_signal(signal.SIGKILL)
                num_kills += 1
            elif workers[index].returncode:
                print(workers[index].communicate()[0])
                num_problems += 1
            workers[index].communicate()
            now = ended(killed)
            again = [lane for lane, when in ended_before.items() if now.get(lane) != when]
            print(f"kill {num_kills}: {len(now)} lanes have ended; of those before, trained again: {again or 'none'}")
            num_problems += len(again)
            ended_before = now
            workers[index] = start(killed)
            if len(now) == 12 and all(worker.poll() is not None for worker in workers):
                print("the sweep was done before the last kill")
                break
        for worker in workers:
            output, _ = worker.communicate(timeout=600)
            if worker.returncode:
                print(output)
                num_problems += 1
        num_problems += differences(alone, killed)
    print("the ends are the same" if not num_problems else f"{num_problems} problems")
    return int(bool(num_problems))


def left_alone(directory: Path) -> float:
    subprocess.run(command(directory), check=True, capture_output=True)  # once for the compilation cache
    again = directory.with_name("timed")
    begin = time.monotonic()
    subprocess.run(command(again), check=True, capture_output=True)
    return time.monotonic() - begin


def start(directory: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(command(directory), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(directory: Path) -> dict[str, int]:
    """The lanes that have come to their end, and when they were evaluated."""
    return {
        path.parent.name: (path.parent / "evaluation.json").stat().st_mtime_ns
        for path in directory.glob("lanes/*/lane.json")
        if json.loads(path.read_text("utf-8"))["state"] == "finished"
    }


def differences(one: Path, other: Path) -> int:
    """How many files of lanes differ."""
    lanes = sorted(path.name for path in (one / "lanes").iterdir())
    assert lanes == sorted(path.name for path in (other / "lanes").iterdir())
    num = 0
    for lane in lanes:
        for name in ("config.json", "metrics.jsonl", "evaluation.json", "lane.json"):
            if (one / "lanes" / lane / name).read_bytes() != (other / "lanes" / lane / name).read_bytes():
                print(f"{lane}/{name} differs")
                num += 1
    if list(other.glob("stacks/*/checkpoints")):
        print("stacks were left")
        num += 1
    return num + (not (other / "report.html").is_file())


if __name__ == "__main__":
    sys.exit(main())
