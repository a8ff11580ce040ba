"""Kills the workers of a search with -9 at random instants, while all that they do is to ask, report and finish.

    python tests/sweeps/kill_workers.py --rounds 100 [--database] [--seed 0]

Two workers at a time. After one is killed the other has to get on; after both are, the study has to open with all that
was finished, and what was running is given back. At the end every point of a Sobol sequence is finished once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))

from vae_jax.sweeps.config import SearchConfig
from vae_jax.sweeps.search import storage
from vae_jax.sweeps.search.study import Study
from vae_jax.sweeps.values.axes import Interval

AXES = {"x": Interval(0, 1), "n": Interval(1, 100, is_integer=True)}
MOST = 100_000
"""More trials than are finished between the kills; the last worker finishes as many as the search is then given."""


def join(directory: Path, database: str | None) -> Study:
    """The study."""
    search = SearchConfig(sampler="sobol", trials=MOST, storage=database, stopping="halving", seed=1)
    return Study(directory, AXES, search, min_steps=100, max_steps=400)


def work(directory: Path, database: str | None, log: Path, num: int | None = None) -> None:
    """Ask, report and finish, and note each before and after, until killed, or so many times."""
    study = join(directory, database)
    with log.open("a", buffering=1) as file:
        while num is None or num > 0:
            trial = study.ask()
            assert trial is not None
            file.write(json.dumps(["asked", trial.number, trial.fields]) + "\n")
            study.report(trial.number, 100, trial.fields["x"])
            study.finish(trial.number, [trial.fields["x"]], "finished")
            file.write(json.dumps(["finished", trial.number, trial.fields]) + "\n")
            num = None if num is None else num - 1


def start(directory: Path, database: str | None, log: Path) -> int:
    """A worker as a process of its own; its id. Forked, so that a round does not wait for imports."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(directory, database, log)
            code = 0
        finally:
            os._exit(code)
    return pid


def lines_of(log: Path) -> list[tuple[str, int, dict[str, float]]]:
    """What a worker has noted; a line that it was killed in the middle of is none."""
    text = log.read_text() if log.exists() else ""
    return [tuple(json.loads(line)) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def wait_for_more(log: Path, seconds: float = 20) -> None:
    """Until a worker has noted something new."""
    size, until = len(lines_of(log)), time.monotonic() + seconds
    while len(lines_of(log)) <= size:
        assert time.monotonic() < until, "the other worker does not get on"
        time.sleep(0.002)


def kill(pid: int) -> None:
    """Without any warning."""
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "it had ended by itself"


def check(study: Study, logs: list[Path]) -> int:
    """See that nothing noted is missing, and give back what is running; how many."""
    noted = [line for log in logs for line in lines_of(log)]
    states = {trial.number: trial for trial in study._trials()}
    asked = Counter(number for what, number, _ in noted if what == "asked")
    assert max(asked.values(), default=1) == 1, "two workers had the same trial"
    for what, number, fields in noted:
        if what == "finished":
            assert (states[number].state.name, states[number].values) == ("COMPLETE", [fields["x"]]), number
    # All workers are dead: who was still asking a database need not be waited for.
    with patch.object(storage, "SECONDS_TO_BE_GONE", 0):
        running = {trial.number: trial.fields for trial in study.running()}
    for what, number, fields in noted:
        if what == "asked" and states[number].state.name == "RUNNING":
            assert running[number] == fields, number
    for number in running:
        study.give_back(number)
    assert study.running() == []
    return len(running)


def main() -> int:
    """Print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--database", action="store_true", help="SQLite, in place of the journal")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    luck = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        directory, logs = Path(folder) / "sweep", []
        database = f"sqlite:///{folder}/study.db" if arguments.database else None
        num_given_back = 0
        # What is imported here, once, no worker has to.
        alone = join(Path(folder) / "alone", database)
        alone.ask()
        alone.close()
        for _ in range(arguments.rounds):
            pair = [Path(folder) / f"{len(logs) + i}.log" for i in range(2)]
            logs += pair
            pids = [start(directory, database, log) for log in pair]
            wait_for_more(luck.choice(pair))
            time.sleep(luck.uniform(0, 0.05))
            first = luck.randrange(2)
            kill(pids[first])
            wait_for_more(pair[1 - first])
            time.sleep(luck.uniform(0, 0.05))
            kill(pids[1 - first])
            num_given_back += check(join(directory, database), logs)
        work(directory, database, Path(folder) / "last.log", num=10)
        logs.append(Path(folder) / "last.log")
        study = join(directory, database)
        assert check(study, logs) == 0
        finished = [trial for trial in study._trials() if trial.state.name == "COMPLETE"]
        points = Counter((trial.params["x"], trial.params["n"]) for trial in finished)
        study.close()
        alone = join(Path(folder) / "unharmed", None)
        fields = [alone.ask().fields for _ in finished]  # type: ignore[union-attr]
    expected = Counter((point["x"], point["n"]) for point in fields)
    same = points == expected
    print(
        f"{2 * arguments.rounds} kills, {len(finished)} trials finished, {num_given_back} given back; "
        f"each point finished once: {same}"
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
