"""The processes of one run: how they find each other, agree, and end."""

from __future__ import annotations

import os
import re
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax
import numpy as np

from vae_jax.messages import RunError, UsageError
from vae_jax.origin import links
from vae_jax.parallel.config import HostsConfig
from vae_jax.parallel.witness import call_a_witness, tell_the_witness

LONGEST_TEXT = 4_096
SECONDS_TO_THE_REPORT = 86_400
"""Seconds that the other processes wait for the first one, which evaluates and writes the report."""


def connect(config: HostsConfig) -> None:
    """Join the other processes of the run, if there are any; call this before anything else of JAX.

    If the others do not come in time, the process ends with a line that says so.

    Raises:
        UsageError: If the options do not fit each other.
        RunError: If the other processes cannot be joined.
    """
    if config.coordinator is None:
        if config.num is not None or config.index is not None:
            raise UsageError("expected --hosts.coordinator HOST:PORT with --hosts.num and --hosts.index; got none")
        return
    is_auto = config.coordinator == "auto"
    if not is_auto:
        host, _, port = config.coordinator.rpartition(":")
        if not host or not port.isdecimal():
            raise UsageError(f"expected --hosts.coordinator HOST:PORT or auto; got {config.coordinator}")
        if config.num is None or config.index is None or not 0 <= config.index < config.num:
            raise UsageError(
                f"expected --hosts.num N and --hosts.index I with 0 <= I < N; got {config.num} and {config.index}"
            )
    where = "those that the cluster tells of" if is_auto else config.coordinator
    # The backend's own way to give up is to abort with a stack trace, so ours comes before it.
    too_late = (
        f"expected the other processes of the run at {where} within {config.timeout} s; not all came; "
        "start all of them, with the same --hosts.coordinator and --hosts.num"
    )
    call_a_witness()
    patience = threading.Timer(config.timeout, _give_up, [too_late])
    patience.daemon = True
    patience.start()
    try:
        jax.distributed.initialize(
            None if is_auto else config.coordinator,
            config.num,
            config.index,
            # On a cluster JAX takes one GPU for each process. An empty list is its word for all that a process sees.
            local_device_ids=[] if is_auto and _is_alone_on_its_host() else None,
            initialization_timeout=2 * config.timeout + 60,
            heartbeat_timeout_seconds=config.timeout,
            shutdown_timeout_seconds=SECONDS_TO_THE_REPORT,
        )
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0][:160]
        raise RunError(f"expected to join the other processes of the run at {where}; {reason}") from error
    finally:
        patience.cancel()


def _is_alone_on_its_host() -> bool:
    """Whether SLURM or Open MPI has started one process on each host, and nobody has chosen its devices."""
    is_slurm = re.fullmatch(r"1(\(x\d+\))?", os.environ.get("SLURM_STEP_TASKS_PER_NODE", ""))
    is_open_mpi = os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE") == "1"
    return bool(is_slurm or is_open_mpi) and "JAX_LOCAL_DEVICE_IDS" not in os.environ


def _give_up(line: str) -> None:
    print(f"vae-jax: {line}", file=sys.stderr, flush=True)
    os._exit(1)


def is_first() -> bool:
    """Whether this is the process that writes: the one with index 0, or the only one."""
    return jax.process_index() == 0


def any_of(flag: bool) -> bool:
    """Whether the flag is set on any host. All hosts must call this at the same place."""
    if jax.process_count() == 1:
        return flag
    return bool(_gathered(np.asarray([flag], np.int32)).any())


def from_first(text: str) -> str:
    """The text of process 0, on every process. All processes must call this at the same place."""
    if jax.process_count() == 1:
        return text
    row = np.zeros(LONGEST_TEXT, np.uint8)
    encoded = np.frombuffer(text.encode()[:LONGEST_TEXT], np.uint8)
    row[: len(encoded)] = encoded
    return bytes(_gathered(row[None])[0]).rstrip(b"\0").decode()


def by_first(action: Callable[[], str]) -> str:
    """The result of process 0's action, on every process. All processes must call this at the same place.

    Raises:
        UsageError: On all processes, if the action raises it on process 0.
    """
    result, refusal = "", ""
    if is_first():
        try:
            result = action()
        except UsageError as error:
            refusal = str(error)
    if refusal := from_first(refusal):
        raise UsageError(refusal)
    return from_first(result)


def check_same(**texts: str) -> None:
    """Check that all hosts were started with the same texts.

    Args:
        **texts: Name -> the text that this host has.

    Raises:
        UsageError: If another host has another text.
    """
    for name, text in texts.items():
        checksums = _gathered(np.asarray([zlib.crc32(text.encode())], np.uint32)).ravel()
        other = [index for index, checksum in enumerate(checksums) if checksum != checksums[0]]
        if other:
            raise UsageError(
                f"expected the same {name.replace('_', ' ')} on all hosts; that of host {other[0]} is not that of host "
                "0; start all with the same command, code and versions"
            )


@contextmanager
def losing_a_host_ends(resume: str) -> Iterator[None]:
    """While this is entered, an exchange that fails because a host has died becomes one clear line.

    Args:
        resume: The command to go on with.

    Raises:
        RunError: In place of the backend's own error.
    """
    tell_the_witness(resume)
    try:
        yield
    except Exception as error:
        if (lost := loss_behind(error)) is None:
            raise
        reason = str(lost).strip().partition("\n")[0][:120]
        raise RunError(f"lost another host of the run ({reason}); go on with: {resume}") from error


def loss_behind(error: BaseException) -> BaseException | None:
    """The failed exchange with another host that led to an error; None if there was none, or one process is alone."""
    if jax.process_count() == 1:
        return None
    return next(filter(_is_failed_exchange, links(error)), None)


def _is_failed_exchange(error: BaseException) -> bool:
    return isinstance(error, jax.errors.JaxRuntimeError) or bool(re.search(_FAILED_EXCHANGE, f"{error}"))


_FAILED_EXCHANGE = "Gloo|NCCL|Connection closed by peer|Connection reset|[Bb]arrier|coordination service|Socket closed"


def end_together(code: int) -> None:
    """End this process at once where there are other hosts: they may be dead, and Python's exit waits for them."""
    if jax.distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _gathered(row: np.ndarray) -> np.ndarray:
    """The rows of all processes, one of each: (num processes, *row.shape[1:])."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(row, tiled=True))
