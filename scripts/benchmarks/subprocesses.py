"""Other processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

SCRIPTS = Path(__file__).resolve().parents[1]


class Finished(NamedTuple):
    """A process that has ended."""

    seconds: float
    """From its start to its end."""
    output: str


def run(command: Sequence[str], expected: int = 0) -> Finished:
    """Run a command to its end.

    Raises:
        RuntimeError: If it ends with another code than expected, with the end of what it said.
    """
    began = time.perf_counter()
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seconds = time.perf_counter() - began
    if process.returncode != expected:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {process.stdout[-2_000:]}")
    return Finished(seconds, process.stdout)


def run_worker(name: str, *arguments: str) -> dict[str, Any]:
    """Run `benchmarks.workers` in a process of its own, and return the JSON on its last line."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(SCRIPTS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    finished = run([sys.executable, "-m", "benchmarks.workers", name, repr(time.time()), *arguments])
    return json.loads(finished.output.splitlines()[-1])
