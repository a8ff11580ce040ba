"""`kill -9` in the midst of training; `python tests/kill_and_resume.py --kills 20` is the long form: at any instant."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "kill_and_resume.py"


def test_a_killed_run_that_goes_on_ends_with_the_same_bits():
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "1", "--seed", "9", "--num-steps", "100"],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    killed, summary = result.stdout.splitlines()
    assert "training" in killed
    assert summary == "1 of 1 ends are the same"
