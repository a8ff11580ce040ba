"""What is waited for before the first step, and how much memory training takes."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import subprocesses
from benchmarks.settings import Settings
from benchmarks.tables import Table

PROGRAM = "import sys; from vae_jax.cli import main; sys.exit(main(sys.argv[1:]))"


def tables(settings: Settings) -> Iterator[Table]:
    """Imports and the command line; the way to the first step; a whole short run."""
    yield _answers(settings)
    yield _first_steps(settings)
    yield _whole_run()


def _answers(settings: Settings) -> Table:
    python = [sys.executable, "-c"]
    commands = {
        "python, nothing imported": ([*python, "pass"], 0),
        "import vae_jax": ([*python, "import vae_jax"], 0),
        "import vae_jax.networks, .models, .training": (
            [*python, "import vae_jax.networks, vae_jax.models, vae_jax.training"], 0),
        "import vae_jax.runs.begin (all that a run needs)": ([*python, "import vae_jax.runs.begin"], 0),
        "vae-jax --help": ([*python, PROGRAM, "--help"], 0),
        "vae-jax list": ([*python, PROGRAM, "list"], 0),
        "vae-jax train vae --help": ([*python, PROGRAM, "train", "vae", "--help"], 0),
        "vae-jax train vea (usage error)": ([*python, PROGRAM, "train", "vea"], 2),
    }  # fmt: skip
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(1 + settings.num_rounds):
        for name, (command, code) in commands.items():
            taken = subprocesses.run(command, expected=code).seconds
            if turn:  # the first turn reads files that are not in memory yet
                seconds[name].append(taken)
    rows = [{"what": name, "seconds (median)": statistics.median(times), "fastest": min(times), "slowest": max(times)}
            for name, times in seconds.items()]  # fmt: skip
    return Table("startup: imports and the command line", rows)


def _first_steps(settings: Settings) -> Table:
    runs = [subprocesses.run_worker("first_steps", str(settings.data)) for _ in range(1 if settings.quick else 3)]
    marks = {name: statistics.median(run[name] for run in runs) for name in runs[0] if name != "peak_mebibytes"}
    names = list(marks)
    rows = [{"until": name, "seconds since the start": marks[name],
             "of that, here": marks[name] - (marks[names[i - 1]] if i else 0)}
            for i, name in enumerate(names)]  # fmt: skip
    compiling = marks["first step"] - marks["initial state"] - (marks["second step"] - marks["first step"])
    peaks = [run["peak_mebibytes"] for run in runs if run["peak_mebibytes"] is not None]
    notes = (
        f"Tracing and compiling the training step: {compiling:.2f} s.",
        f"Peak memory of the process, 60,000 images in it: {statistics.median(peaks):,.0f} MiB." if peaks else "",
    )
    return Table(f"startup: to the first step, 784-400-20 MLP, median of {len(runs)}", rows, notes)


def _whole_run() -> Table:
    with tempfile.TemporaryDirectory() as directory:
        command = ("train", "vae", "--num-epochs", "1", "--run-dir", str(Path(directory) / "run"))
        result = subprocesses.run_worker("whole_run", *command)
    row = {"seconds": result["seconds"], "peak memory, MiB": result["peak_mebibytes"]}
    return Table("startup: `vae-jax train vae --num-epochs 1`, with evaluation, pictures and report", [row])
