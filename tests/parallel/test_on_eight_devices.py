"""The tests of `on_eight_devices/`, in a process whose CPU says that it is eight devices."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "on_eight_devices"


def test_all_of_them(request):
    flags = os.environ.get("XLA_FLAGS", "")
    environment = os.environ | {
        "XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count=8",
        "JAX_PLATFORMS": "cpu",
        # Steps that are under way at once can wait for each other's threads, where there are fewer cores than devices.
        "JAX_CPU_ENABLE_ASYNC_DISPATCH": "false",
    }
    options = ["--long"] if request.config.getoption("--long") else []
    command = [sys.executable, "-m", "pytest", "-n", "0", *options, str(FOLDER)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1_800, cwd=FOLDER)
    assert result.returncode == 0, result.stdout[-8_000:] + result.stderr[-2_000:]
    assert " passed" in result.stdout
    assert "skipped" not in result.stdout
