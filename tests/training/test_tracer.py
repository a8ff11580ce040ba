"""A trace of some steps: exactly these, and nothing else changes by it."""

import os
import signal

import jax
import pytest
from test_loop import BUDGET, Run

from vae_jax.machine.profile import ProfiledSteps
from vae_jax.training import loop
from vae_jax.training.advance import advance
from vae_jax.training.metrics import read_metrics
from vae_jax.training.tracer import Tracer


@pytest.fixture
def events(monkeypatch):
    """What is done, in order: beginning and end of a trace, and the steps that are run."""
    done = []
    monkeypatch.setattr(jax.profiler, "start_trace", lambda directory: done.append(("start", directory)))
    monkeypatch.setattr(jax.profiler, "stop_trace", lambda: done.append(("stop",)))

    def recording_advance(trainer, feed, placement):
        run_steps = advance(trainer, feed, placement)

        def run(progress, batches, num_steps):
            done.append(("steps", num_steps))
            return run_steps(progress, batches, num_steps)

        return run

    monkeypatch.setattr(loop, "advance", recording_advance)
    return done


@pytest.fixture(scope="module")
def untraced(tiny, tmp_path_factory):
    run = Run(tiny, tmp_path_factory.mktemp("untraced") / "run")
    run.outcome = run.fit()
    return run


def tracer(run, begin, end):
    return Tracer(ProfiledSteps(begin, end), run.path / "profile")


@pytest.mark.parametrize(
    ("begin", "end", "pieces"),
    [
        (4, 8, [3, 1, "start", 2, 2, "stop", 1, 3, 1]),  # within: the loop stops at 3, 6, 9, 12 for lines
        (0, 3, ["start", 3, "stop", 3, 3, 3, 1]),
        (6, 13, [3, 3, "start", 3, 3, 1, "stop"]),
        (7, 8, [3, 3, 1, "start", 1, "stop", 1, 3, 1]),
    ],
)
def test_the_trace_is_of_these_steps_and_of_no_others(
    tiny, tmp_path, events, untraced, assert_same_bits, begin, end, pieces
):
    run = Run(tiny, tmp_path / "run")
    assert run.fit(tracer=tracer(run, begin, end)) == untraced.outcome
    assert [event[-1] if event[0] == "steps" else event[0] for event in events] == pieces
    assert ("start", str(run.path / "profile")) in events
    assert run.metrics.read_bytes() == untraced.metrics.read_bytes()
    assert_same_bits(run.restored(), untraced.restored())


def test_a_signal_ends_the_trace_too(tiny, tmp_path, events):
    run = Run(tiny, tmp_path / "run")

    def validate(params):
        if events:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"value": 0.0}

    outcome = run.fit(tracer=tracer(run, 4, 13), validate=validate)
    assert (outcome.step, outcome.is_finished) == (6, False)
    assert [event[0] for event in events[-2:]] == ["steps", "stop"]


def test_an_error_ends_the_trace_too(tiny, tmp_path, events):
    run = Run(tiny, tmp_path / "run")

    def validate(params):
        if events:
            raise OSError("no space left on device")
        return {"value": 0.0}

    with pytest.raises(OSError, match="no space"):
        run.fit(tracer=tracer(run, 4, 13), validate=validate)
    assert events[-1] == ("stop",)


def test_steps_that_are_not_reached_are_not_traced(tiny, tmp_path, events):
    run = Run(tiny, tmp_path / "run")
    budget = BUDGET._replace(patience=1, validate_every=3)
    outcome = run.fit(budget, tracer=tracer(run, 10, 12), validate=lambda params: {"value": 0.0})
    assert outcome.step < 10
    assert {event[0] for event in events} == {"steps"}


def test_the_end_waits_for_the_device(tiny, tmp_path, events, monkeypatch):
    """What is still being computed is waited for before the trace begins and before it ends."""
    wait = jax.block_until_ready
    monkeypatch.setattr(jax, "block_until_ready", lambda tree: (events.append(("wait",)), wait(tree))[1])
    run = Run(tiny, tmp_path / "run")
    run.fit(tracer=tracer(run, 4, 5))
    begin = next(number for number, event in enumerate(events) if event[0] == "start")
    assert [event[0] for event in events[begin - 1 : begin + 4]] == ["wait", "start", "steps", "wait", "stop"]
    assert len(read_metrics(run.metrics)) == 9
