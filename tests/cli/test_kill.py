"""`kill -9` at random instants; `python tests/kill_and_resume.py --kills 20` is the long form."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "kill_and_resume.py"


def test_a_killed_run_that_goes_on_ends_with_the_same_bits():
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "2", "--seed", "5"], capture_output=True, text=True, timeout=900
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "2 of 2 ends are the same"
