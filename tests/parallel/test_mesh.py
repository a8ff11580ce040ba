"""Which meshes there are, and what is said of those that cannot be. The devices here are names."""

import pytest

from vae_jax.messages import UsageError
from vae_jax.parallel.config import HostsConfig, ParallelConfig
from vae_jax.parallel.hosts import connect
from vae_jax.parallel.mesh import make_mesh

EIGHT = [f"device {index}" for index in range(8)]


@pytest.mark.parametrize(
    ("config", "batch_size", "message"),
    [
        (
            ParallelConfig(devices=8),
            100,
            "expected a batch size that the 8 devices divide; got 100; use 96 or 104, or other --parallel.devices",
        ),
        (
            ParallelConfig(devices=8),
            5,
            "expected a batch size that the 8 devices divide; got 5; use 8, or other --parallel.devices",
        ),
        (ParallelConfig(devices=9), 90, "expected 1 to 8 devices, as many as there are; got 9"),
        (ParallelConfig(devices=0), 90, "expected 1 to 8 devices, as many as there are; got 0"),
        (ParallelConfig(data=8, params=2), 64, "expected 1 to 8 devices, as many as there are; got 16"),
        (
            ParallelConfig(devices=8, params=3),
            24,
            "expected data x params to be the 8 devices; got --parallel.params 3; give numbers whose product is that",
        ),
        (
            ParallelConfig(devices=8, data=2, params=2),
            64,
            "expected data x params to be the 8 devices; got --parallel.data 2 and --parallel.params 2; "
            "give numbers whose product is that",
        ),
        (ParallelConfig(params=0), 64, "expected --parallel.params of at least 1; got 0"),
        (ParallelConfig(data=-1), 64, "expected --parallel.data of at least 1; got -1"),
        (
            ParallelConfig(params=16),
            64,
            "expected data x params to be the 8 devices; got --parallel.params 16; give numbers whose product is that",
        ),
    ],
)
def test_a_mesh_that_does_not_fit_is_refused(config, batch_size, message):
    with pytest.raises(UsageError) as refused:
        make_mesh(config, batch_size, EIGHT)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (HostsConfig(num=2), "expected --hosts.coordinator HOST:PORT with --hosts.num and --hosts.index; got none"),
        (HostsConfig(coordinator="here"), "expected --hosts.coordinator HOST:PORT or auto; got here"),
        (
            HostsConfig(coordinator="here:x", num=2, index=0),
            "expected --hosts.coordinator HOST:PORT or auto; got here:x",
        ),
        (
            HostsConfig(coordinator="here:1", num=2),
            "expected --hosts.num N and --hosts.index I with 0 <= I < N; got 2 and None",
        ),
        (
            HostsConfig(coordinator="here:1", num=2, index=2),
            "expected --hosts.num N and --hosts.index I with 0 <= I < N; got 2 and 2",
        ),
    ],
)
def test_hosts_that_cannot_meet_are_refused(config, message):
    with pytest.raises(UsageError) as refused:
        connect(config)
    assert str(refused.value) == message


def test_a_process_alone_has_nobody_to_meet():
    connect(HostsConfig())
