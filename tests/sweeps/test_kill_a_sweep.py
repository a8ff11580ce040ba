"""`kill -9` of a sweep's workers; `python tests/sweeps/kill_a_sweep.py --kills 10` is the long form."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "kill_a_sweep.py"


@pytest.mark.parametrize("num_workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_what_a_killed_worker_had_is_taken_up_and_nothing_is_trained_twice(num_workers):
    command = [
        sys.executable,
        str(SCRIPT),
        "--kills",
        "1",
        "--workers",
        str(num_workers),
        "--seeds",
        "1",
        "--seed",
        "3",
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "the ends are the same"
