"""The machine in words."""

import os

import jax
import pytest

from vae_jax.machine.facts import device_in_words, facts, host_in_words, products_in_words


class Device:
    """What `jax.Device` tells of itself."""

    def __init__(self, kind, memory):
        self.device_kind, self._memory = kind, memory

    def memory_stats(self):
        return self._memory


@pytest.mark.parametrize(
    ("kind", "memory", "words"),
    [
        ("cpu", None, "cpu"),
        ("cpu", {}, "cpu"),
        ("Card", {"bytes_limit": 3 * 2**30, "bytes_in_use": 2**29}, "Card, 0.5 GiB in use of 3.0 GiB"),
        ("Card", {"bytes_in_use": 2**29}, "Card"),
        (
            "TPU v4",
            {"bytes_limit": 2**35},
            "TPU v4, 0.0 GiB in use of 32.0 GiB, float32 by default 275 TFLOP/s, bfloat16 275 TFLOP/s",
        ),
    ],
)
def test_a_device_tells_what_it_knows(kind, memory, words):
    assert device_in_words(Device(kind, memory)) == words


def test_the_host_has_cores_and_memory(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3}, raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**20}.__getitem__)
    assert host_in_words() == "2 of 8 cores, 4.0 GiB memory"


def test_a_host_that_does_not_tell_its_memory(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sysconf")
    assert host_in_words() == f"{os.cpu_count()} cores"


@pytest.mark.parametrize(
    ("backend", "precision", "words"),
    [
        ("cpu", None, "all bits"),
        ("gpu", "highest", "all bits"),
        ("gpu", "bfloat16", "in bfloat16, as JAX is told"),
        ("gpu", None, "in TF32 where the GPU has it; JAX_DEFAULT_MATMUL_PRECISION=highest keeps all bits"),
        ("tpu", None, "in bfloat16; JAX_DEFAULT_MATMUL_PRECISION=highest keeps all bits"),
    ],
)
def test_how_float32_is_multiplied(backend, precision, words):
    assert products_in_words(backend, precision) == words


def test_every_device_has_a_line_and_the_cache_is_this_one():
    found = facts()
    assert [name for name in found if name.startswith("device ")] == [f"device {each.id}" for each in jax.devices()]
    assert jax.config.values["jax_compilation_cache_dir"] in found["compiled programs"]
