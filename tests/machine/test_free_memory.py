"""How much memory is free, from what devices, kernels and containers tell."""

import os

import jax
import pytest

from vae_jax.machine.memory import free_host_memory, free_memory, in_words


class Device:
    """What `jax.Device` tells of itself."""

    def __init__(self, platform, stats):
        self.platform, self._stats = platform, stats

    def memory_stats(self):
        return self._stats


@pytest.fixture
def system(tmp_path):
    """A system's root, with files that are given."""

    def write(**files):
        for name, content in files.items():
            path = tmp_path / {"meminfo": "proc/meminfo"}.get(name, f"sys/fs/cgroup/memory.{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return write


MEMINFO = "MemTotal:  8000 kB\nMemFree:  100 kB\nMemAvailable:   3000 kB\nBuffers: 7 kB\n"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"meminfo": MEMINFO}, 3000 * 1024),
        ({"meminfo": MEMINFO, "max": "2000000\n", "current": "500000\n"}, 1_500_000),
        ({"meminfo": MEMINFO, "max": "900000000\n", "current": "5\n"}, 3000 * 1024),
        ({"meminfo": MEMINFO, "max": "max\n", "current": "5\n"}, 3000 * 1024),
        ({"max": "100\n", "current": "30\n"}, 70),
        ({"meminfo": MEMINFO, "max": "100\n"}, 3000 * 1024),
        ({"meminfo": "MemTotal: 3 kB\n", "max": "100\n", "current": "30\n"}, 70),
    ],
)
def test_the_kernel_and_the_container_tell_what_is_free(system, files, free):
    assert free_host_memory(system(**files)) == free


def test_half_of_the_memory_where_no_file_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1000}.__getitem__)
    assert free_host_memory(tmp_path) == 2_048_000


def test_nobody_knows(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    assert free_host_memory(tmp_path) is None


@pytest.mark.parametrize(
    ("platform", "stats", "free"),
    [
        ("gpu", {"bytes_limit": 100, "bytes_in_use": 30}, 70),
        ("gpu", {"bytes_limit": 100}, 100),
        ("gpu", {"bytes_in_use": 30}, None),
        ("tpu", None, None),
    ],
)
def test_a_device_tells_what_is_free(platform, stats, free):
    assert free_memory(Device(platform, stats)) == free


def test_a_cpu_has_the_memory_of_its_host():
    free = free_memory(jax.devices("cpu")[0])
    assert free is not None
    assert 2**20 < free <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [
        (0, "0.0 KiB"),
        (2**19, "512.0 KiB"),
        (2**30 - 2**20, "1023.0 MiB"),
        (2**30, "1.0 GiB"),
        (5.5 * 2**40, "5632.0 GiB"),
    ],
)
def test_bytes_in_words(num_bytes, words):
    assert in_words(num_bytes) == words
