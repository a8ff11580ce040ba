"""Eight devices, and nothing is tested with fewer."""

import jax
import pytest


def pytest_collection_modifyitems(items):
    if jax.device_count() < 8:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="run by test_on_eight_devices.py, in a process of its own"))
