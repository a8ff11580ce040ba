"""A search that learns and stops bad trials early, against a random one with as many training steps."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from benchmarks.settings import Settings
from benchmarks.tables import Table

SPACE = ("--learning-rate", "1e-5:1e-1:log", "--beta", "0.1:10:log", "--max-gradient-norm", "1:1000:log")
NUM_STEPS = 800
LANES = ("--lanes.num", "8", "--lanes.map", "loop")
SEARCHES = {
    # Of whose trials some diverge early.
    "random": ("--search", "random", "--trials", "22"),
    # About a quarter goes on from each of the rungs 40, 160 and 640: about as many steps in all as the random search.
    "TPE, successive halving": ("--search", "tpe", "--stopping", "halving", "--trials", "80"),
}


class Course(NamedTuple):
    """How a search went."""

    seconds: np.ndarray
    """Since its start, at each validation."""
    best: np.ndarray
    """The best bound until then, nats."""
    num_steps: int
    """Of all trials."""
    num_trials: int


def tables(settings: Settings) -> Iterator[Table]:
    """The best bound against wall clock."""
    repeats = range(1 if settings.quick else 5)
    courses: dict[str, list[Course]] = {name: [] for name in SEARCHES}
    for repeat in repeats:
        for name, options in SEARCHES.items():
            course = _course([*options, "--search-seed", str(repeat)])
            courses[name].append(course)
            print(f"{name} {repeat}: {course.best[-1]:.2f} nats, {course.num_steps} steps, {course.seconds[-1]:.0f} s")
    ends = [course.seconds[-1] for course in courses["random"]]
    rows = []
    for name, of_one in courses.items():
        row: dict[str, object] = {"search": name}
        for share in (0.25, 0.5, 1.0):
            found = [_best_at(course, share * end) for course, end in zip(of_one, ends, strict=True)]
            row[f"best bound at {share:.0%} of the random one's time"] = _mean_and_error(found)
        row["at its end"] = _mean_and_error([course.best[-1] for course in of_one])
        row["seconds"] = float(np.median([course.seconds[-1] for course in of_one]))
        row["steps of all trials"] = float(np.median([course.num_steps for course in of_one]))
        row["trials"] = of_one[0].num_trials
        rows.append(row)
    better = [
        _best_at(one, end) > other.best[-1]
        for one, other, end in zip(courses["TPE, successive halving"], courses["random"], ends, strict=True)
    ]
    notes = (
        f"`vae`, at most {NUM_STEPS} steps of 100 out of 4,000 digits of MNIST, validated every 40; {' '.join(SPACE)}; "
        f"{len(repeats)} repeats with other search seeds, means ± standard errors, in turns.",
        f"When the random search ended, the other one was ahead in {sum(better)} of {len(better)} repeats.",
    )
    return iter([Table("search: the best validation bound, nats, against wall clock", rows, notes)])


def _course(options: Sequence[str]) -> Course:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vae_jax", "sweep", "vae", *SPACE, *LANES, *options]
        command += ["--num-epochs", str(NUM_STEPS // 40), "--show", "json"]
        began, seconds, values, steps = time.perf_counter(), [], [], {}
        with subprocess.Popen([*command, "--run-dir", f"{folder}/sweep"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for text in process.stdout:
                line = json.loads(text)
                steps[line["lane"]] = line["step"]
                if line.get("value") is not None:
                    seconds.append(time.perf_counter() - began)
                    values.append(line["value"])
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Course(np.array(seconds), np.maximum.accumulate(values), sum(steps.values()), len(steps))


def _best_at(course: Course, seconds: float) -> float:
    return float(course.best[max(0, int(np.searchsorted(course.seconds, seconds, "right")) - 1)])


def _mean_and_error(values: Sequence[float]) -> str:
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{np.mean(values):.2f} ± {error:.2f}"
