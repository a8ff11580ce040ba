"""An exchange that fails because a host has died is the promised line, whatever it has led to."""

import signal
import subprocess
import sys

import jax
import pytest

from vae_jax.messages import RunError, UsageError
from vae_jax.parallel.hosts import losing_a_host_ends
from vae_jax.parallel.witness import LAST_WORDS, RESUME, passed_on
from vae_jax.training.damage import reading

GLOO = "UNKNOWN: Gloo AllGather failed: [external/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer"


def after_another(error):
    """An error from closing what was open when the exchange failed."""
    try:
        raise jax.errors.JaxRuntimeError(GLOO)
    except jax.errors.JaxRuntimeError:
        raise error  # noqa: B904


def from_another(error):
    raise error from ValueError(GLOO)


def in_a_read(error):
    with reading("checkpoint 3", only_files=True):
        raise error


def alone(error):
    raise error


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (alone, jax.errors.JaxRuntimeError(GLOO)),
        (alone, ValueError(GLOO)),
        (after_another, ValueError("the save did not end")),
        (after_another, RunError("expected to save step 3")),
        (from_another, RuntimeError("the save has failed")),
        (in_a_read, ValueError(GLOO)),
    ],
)
def test_a_lost_host_is_the_promised_line(monkeypatch, fail, error):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with (
        pytest.raises(RunError, match=r"^lost another host of the run \(UNKNOWN: Gloo .*\); go on with: resume it$"),
        losing_a_host_ends("resume it"),
    ):
        fail(error)


@pytest.mark.parametrize("error", [UsageError("expected a mesh"), RunError("no finite values"), OSError(28, "Full")])
@pytest.mark.parametrize("num", [1, 2])
def test_what_another_host_has_no_part_in_stays_what_it_is(monkeypatch, error, num):
    monkeypatch.setattr(jax, "process_count", lambda: num)
    with pytest.raises(type(error)) as raised, losing_a_host_ends("resume it"):
        raise error
    assert raised.value is error


def test_one_process_has_lost_nobody(monkeypatch):
    with pytest.raises(ValueError, match="Gloo"), losing_a_host_ends("resume it"):
        raise ValueError(GLOO)


SAID = ["run\n", "step 1\n"]
ERROR = "E1130 14:24:00.736568    2150 coordination_service_agent.cc:289] Polled an error from coordination service.\n"
FATAL = f"F1130 14:24:00.736568    2150 client.h:80] {LAST_WORDS}. This most likely indicates that another task died\n"
STACK = ["*** Check failure stack trace: ***\n", "    @     0x7fbc3a440634  absl::SendToLog()\n"]
OURS = "vae-jax: lost another host of the run (Gloo); go on with: it\n"
PROMISED = "vae-jax: lost another host of the run; go on with: vae-jax resume x\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (SAID, SAID),
        (
            [*SAID, ERROR, FATAL, *STACK],
            [*SAID, PROMISED],
        ),
        ([*SAID, FATAL, *STACK], [*SAID, PROMISED]),
        ([*SAID, ERROR, OURS], [*SAID, OURS]),
        ([*SAID, ERROR, OURS, FATAL, *STACK], [*SAID, OURS]),
        ([*SAID, ERROR, "Traceback\n"], [*SAID, ERROR, "Traceback\n"]),
    ],
)
def test_a_witness_says_one_line_in_place_of_a_stack(lines, expected):
    assert list(passed_on([f"{RESUME}vae-jax resume x\n", *lines])) == expected


ABORTS = f"""
import os
from vae_jax.parallel.witness import call_a_witness, tell_the_witness
call_a_witness()
tell_the_witness("vae-jax resume x")
print("step 1", file=__import__("sys").stderr, flush=True)
os.write(2, {FATAL!r}.encode())
os.abort()
"""


def test_the_witness_outlives_a_process_that_aborts():
    ended = subprocess.run([sys.executable, "-c", ABORTS], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGABRT
    assert ended.stderr == f"step 1\n{PROMISED}"
