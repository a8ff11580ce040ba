"""Kill workers of a sweep at random instants, and hold its end against that of a sweep which was left alone.

python tests/sweeps/kill_a_sweep.py --kills 10               one worker, killed ten times
python tests/sweeps/kill_a_sweep.py --kills 10 --workers 2   two, of which one is killed each time
"""

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALL = Path(__file__).parent / "small_experiment.py"
FIELDS = ["--beta", "1", "4", "--hidden-sizes", "4", "8", "--num-steps", "60"]
OPTIONS = ["--lanes.num", "2", "--lanes.map", "vmap", "--show", "json"]
LANES_OF_A_SEED, LINES_OF_A_LANE = 4, 8  # a line for each validation and for the end


def command(directory: Path, num_seeds: int) -> list[str]:
    fields = [*FIELDS, "--seed", f"0:{num_seeds}"]
    return [sys.executable, "-m", "vae_jax", "sweep", str(SMALL), *fields, *OPTIONS, "--run-dir", str(directory)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3, help="of the sweep, which has four lanes of each")
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # outside of any repository, whose state would be noted
        alone, killed = Path(folder) / "alone", Path(folder) / "killed"
        subprocess.run(command(alone, arguments.seeds), check=True, capture_output=True)
        workers = [start(killed, arguments.seeds) for _ in range(arguments.workers)]
        num_lanes = LANES_OF_A_SEED * arguments.seeds
        ended_before: dict[str, int] = {}
        num_problems = 0
        # So that work is left for the last kill, each worker gets only so far.
        most_lines = max(2, num_lanes * LINES_OF_A_LANE * arguments.workers // (arguments.kills + 1))
        for number in range(1, arguments.kills + 1):
            index = chance.randrange(len(workers))
            num_lines = read_lines(workers[index], chance.randrange(most_lines))
            time.sleep(chance.uniform(0.0, 0.5))
            workers[index].kill()
            workers[index].communicate()
            now = ended(killed)
            again = [lane for lane, when in ended_before.items() if now.get(lane) != when]
            print(
                f"kill {number} after {num_lines} lines: {len(now)} of {num_lanes} lanes have ended; "
                f"of those that had before, trained again: {', '.join(again) or 'none'}",
                flush=True,
            )
            num_problems += len(again)
            ended_before = now
            workers[index] = start(killed, arguments.seeds)
        for worker in workers:
            output, _ = worker.communicate(timeout=600)
            if worker.returncode:
                print(output)
                num_problems += 1
        num_problems += differences(alone, killed)
    print("the ends are the same" if not num_problems else f"{num_problems} problems")
    return int(bool(num_problems))


def start(directory: Path, num_seeds: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(command(directory, num_seeds), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def read_lines(worker: "subprocess.Popen[str]", num: int) -> int:
    """Wait for so many lines, and tell how many came."""
    assert worker.stdout is not None
    return sum(1 for _ in itertools.islice(worker.stdout, num))


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
