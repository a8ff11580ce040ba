"""Which peak a device is measured against."""

import pytest

from vae_jax.machine.peaks import PEAKS, peak

H200 = "NVIDIA H200"


@pytest.mark.parametrize(
    ("dtype", "precision", "tera"),
    [
        ("float32", None, 494.5),
        ("float32", "default", 494.5),
        ("float32", "tensorfloat32", 494.5),
        ("float32", "highest", 67.0),
        ("float32", "float32", 67.0),
        ("bfloat16", None, 989.5),
        ("bfloat16", "highest", 989.5),
    ],
)
def test_the_peak_is_of_the_format_that_is_multiplied(dtype, precision, tera):
    assert peak([H200], dtype, precision) == tera * 1e12


def test_devices_add_up_unless_one_is_unknown():
    assert peak([H200, H200, "NVIDIA L4"]) == (494.5 + 494.5 + 60.0) * 1e12
    assert peak([H200, "cpu"]) is None
    assert peak([]) is None


@pytest.mark.parametrize("kind", ["cpu", "NVIDIA L40S", "NVIDIA H200 MIG 1g.18gb", "nvidia h200", ""])
def test_what_is_nearly_a_known_name_is_unknown(kind):
    assert peak([kind]) is None


def test_what_a_device_does_not_have_is_unknown():
    assert peak(["Tesla V100-SXM2-16GB"], "bfloat16") is None
    assert peak(["TPU v4"], "float32", "highest") is None
    assert peak([H200], "float64") is None


def test_fewer_bits_are_never_slower():
    for peaks in PEAKS.values():
        known = [each for each in peaks if each is not None]
        assert known == sorted(known)
        assert all(1e12 < each < 1e15 for each in known)
