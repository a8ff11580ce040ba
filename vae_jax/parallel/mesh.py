"""The mesh of devices that a run is spread over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh

from vae_jax.messages import UsageError
from vae_jax.parallel.config import ParallelConfig

AXES = ("run", "data", "params")
"""Lanes of a sweep; shares of the batch; parts of the parameters. The batch is shared out along the last two."""


@contextmanager
def own_mesh() -> Iterator[None]:
    """Set a mesh aside that the caller has set by `jax.set_mesh`: a run is spread over a mesh of its own.

    The axes of a user's mesh are Explicit by default (jax 0.9 and later), and do not go together with others. This is a
    decorator, too.
    """
    with jax.set_mesh(Mesh(np.empty((), object), ())):
        yield


def make_mesh(config: ParallelConfig, batch_size: int, devices: Sequence[Any] | None = None) -> Mesh:
    """A mesh (1, data, params) for a run.

    Args:
        config: The devices that were asked for.
        batch_size: Examples per step, of all devices together.
        devices: The devices to choose from; None for all, of all hosts.

    Raises:
        UsageError: If the devices do not suffice, do not fit each other, or do not divide the batch.
    """
    devices = jax.devices() if devices is None else devices
    for option, value in (("--parallel.params", config.params), ("--parallel.data", config.data)):
        if value is not None and value < 1:
            raise UsageError(f"expected {option} of at least 1; got {value}")
    num, num_params = _num_devices(config, batch_size, len(devices)), config.params
    if num % num_params or (config.data is not None and config.data * num_params != num):
        asked = f"--parallel.data {config.data} and " if config.data is not None else ""
        raise UsageError(
            f"expected data x params to be the {num} devices; got {asked}--parallel.params {num_params}; "
            "give numbers whose product is that"
        )
    if batch_size % num:
        low = batch_size // num * num
        raise UsageError(
            f"expected a batch size that the {num} devices divide; got {batch_size}; "
            f"use {f'{low} or ' if low else ''}{low + num}, or other --parallel.devices"
        )
    if jax.process_count() > 1 and num != len(devices):
        raise UsageError(
            f"expected all {len(devices)} devices of the {jax.process_count()} hosts to be used; got {num}; "
            "start fewer processes, or use another batch size"
        )
    return mesh_of(devices[:num], num_params)


def make_lanes_mesh(config: ParallelConfig, batch_size: int, devices: Sequence[Any] | None = None) -> Mesh:
    """A mesh (run, data, params) for the lanes of a sweep: what data and params leave of the devices goes to lanes.

    Args:
        config: The devices that were asked for; a lane has one device unless it asks for more.
        batch_size: Examples per step of one lane.
        devices: The devices to choose from; None for all of this process.

    Raises:
        UsageError: As for `make_mesh`.
    """
    devices = jax.local_devices() if devices is None else devices
    of_lane = config if config.data is not None else replace(config, data=1)
    num_of_lane = (of_lane.data or 1) * of_lane.params
    num = len(devices) if config.devices is None else config.devices
    if not num_of_lane <= num <= len(devices):
        raise UsageError(
            f"expected {num_of_lane} to {len(devices)} devices, which one lane takes, and all there are; got {num}"
        )
    make_mesh(replace(of_lane, devices=num_of_lane), batch_size, devices)
    num_runs = num // num_of_lane
    return mesh_of(devices[: num_runs * num_of_lane], of_lane.params, num_runs)


def mesh_of(devices: Sequence[Any], num_params: int = 1, num_runs: int = 1) -> Mesh:
    """A mesh (run, data, params) of just these devices."""
    # Auto: shardings are for the compiler to propagate; explicit axes would be part of every array's type.
    grid = np.asarray(devices).reshape(num_runs, -1, num_params)
    return Mesh(grid, AXES, axis_types=(AxisType.Auto,) * len(AXES))


def spread(mesh: Mesh) -> str:
    """The devices that a run is spread over, in words; empty where there is one device only.

    Example:
        >>> spread(make_mesh(ParallelConfig(devices=1), batch_size=100))
        ''
    """
    num, num_there = mesh.size, len(jax.devices())
    if num_there == 1:
        return ""
    hosts = f" of {jax.process_count()} hosts" if jax.process_count() > 1 else ""
    of = f" of {num_there}" if num < num_there else ""
    params = f", the parameters in {mesh.shape['params']} parts" if mesh.shape["params"] > 1 else ""
    return f"on {num}{of} devices{hosts}: the batch in {num} shares{params}"


def _num_devices(config: ParallelConfig, batch_size: int, num_there: int) -> int:
    asked = config.devices
    if asked is None and config.data is not None:
        asked = config.data * config.params
    if asked is None:
        # Idle devices are better than a run that does not start; the mesh is reported when it does.
        fitting = [num for num in range(1, num_there + 1) if batch_size % num == 0 and num % config.params == 0]
        return max(fitting, default=num_there)
    if not 1 <= asked <= num_there:
        raise UsageError(f"expected 1 to {num_there} devices, as many as there are; got {asked}")
    return asked
