"""A worker of a sweep as a job of a SLURM cluster: a command, from its first start to its last."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from vae_jax.messages import RunError

NOTICES = {signal.SIGUSR1, signal.SIGUSR2}
"""Signals by which SLURM can announce that the time is nearly over. They end most programs."""


class Worker:
    """A command that is asked by SIGTERM to save and stop, and queued again, when the cluster wants its machines back.

    submitit sends the worker to the cluster, calls it there, and calls `checkpoint` on notice.

    Args:
        command: The program and its arguments. Started again, it goes on with what it has begun.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._was_asked_to_stop = False

    def __call__(self) -> None:
        """Run the command to its end.

        Raises:
            RunError: If the command fails. Then it is not queued again.
        """
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        self._process = process = _started(self.command)
        if (code := process.wait()) and not self._was_asked_to_stop:
            raise RunError(f"the worker ended with exit code {code}; its command was: {shlex.join(self.command)}")
        # A job that was asked to make room, with some time left for that, and ends in good order is over for SLURM; so
        # it has to be queued again here. But a job that has been cancelled would come back to life.
        if self._was_asked_to_stop and _is_running_for_slurm():
            signal.raise_signal(_notice_of_submitit())

    def checkpoint(self) -> Any:
        """Make the command save and stop.

        Returns:
            The submission that submitit queues: the same worker again.
        """
        from submitit.helpers import DelayedSubmission  # pyright: ignore[reportMissingImports]  # an extra

        self._ask_to_stop()
        if self._process is not None:
            # This runs in a signal handler, perhaps amid `Popen.wait`: a second `wait` would wait for its lock forever.
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        return DelayedSubmission(Worker(self.command))

    def _ask_to_stop(self, *_: object) -> None:
        self._was_asked_to_stop = True
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the command with the notices blocked: SLURM signals all processes of a job, but this one gets SIGTERM."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NOTICES)
    try:
        return subprocess.Popen(command)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_running_for_slurm() -> bool:
    """Whether the job is neither cancelled nor already on its way back into the queue."""
    from submitit import JobEnvironment  # pyright: ignore[reportMissingImports]  # an extra

    # Not SLURM_JOB_ID: in one job of an array, it is the number of the whole array.
    squeue = ["squeue", "--noheader", "--format=%T", f"--jobs={JobEnvironment().job_id}"]
    return subprocess.run(squeue, capture_output=True, text=True).stdout.split() == ["RUNNING"]


def _notice_of_submitit() -> signal.Signals:
    from submitit import JobEnvironment  # pyright: ignore[reportMissingImports]

    return signal.Signals[f"SIG{JobEnvironment.USR_SIG}"]
