"""The tests that need eight devices are collected where there are: `test_on_eight_devices.py` starts such a process."""

import os

collect_ignore = [] if "device_count=8" in os.environ.get("XLA_FLAGS", "") else ["on_eight_devices"]
