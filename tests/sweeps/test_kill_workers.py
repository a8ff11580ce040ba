"""`kill -9` at random instants; `python tests/sweeps/kill_workers.py --rounds 100` is the long form."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "kill_workers.py"


@pytest.mark.parametrize("options", [[], ["--database"]])
def test_killed_workers_lose_nothing(options):
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--rounds", "2", *options], capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("each point finished once: True\n")
