"""Open descriptors of this process, counted once what opens some for a moment has closed them."""

import os
import time

PATIENCE = 30.0
"""Seconds. Threads that write in the background hold a few for milliseconds; what leaks stays."""


def num_open(at_most: int | None = None) -> int:
    """As many as are open: the first count that is no more than `at_most`, or else the last one."""
    until = time.monotonic() + PATIENCE
    while True:
        count = len(os.listdir("/proc/self/fd"))
        if at_most is None or count <= at_most or time.monotonic() > until:
            return count
        time.sleep(0.02)
