"""The loop: its duties at their places, and a run that was stopped ends like one that was not."""

import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.messages import RunError
from vae_jax.training import Budget, loop
from vae_jax.training.checkpoint import Checkpoints
from vae_jax.training.loop import fit
from vae_jax.training.metrics import MetricsFile, read_metrics

KEY = jax.random.key(2)
BUDGET = Budget(batch_size=5, num_steps=13, validate_every=6, log_every=3)  # neither divides 13, nor the epoch of 4


class Recorder:
    """A display that keeps what it is shown."""

    def __init__(self):
        self.trained, self.validated, self.rates, self.said = [], [], [], []

    def train(self, line, images_per_second, seconds_left):
        self.trained.append(line["step"])
        self.rates.append((images_per_second, seconds_left))

    def validation(self, line, is_best):
        self.validated.append((line["step"], is_best))

    def say(self, text):
        self.said.append(text)


class Run:
    """A run directory for `fit`."""

    def __init__(self, tiny, path):
        self.tiny, self.path, self.said = tiny, path, []
        self.metrics = path / "metrics.jsonl"

    def fit(
        self,
        budget=BUDGET,
        *,
        validate=lambda params: {"value": float(params["bias"].sum())},
        feed=None,
        tracer=None,
        explain=None,
    ):
        path = self.path
        path.mkdir(exist_ok=True)
        checkpoints = Checkpoints(path / "checkpoints", say=self.said.append)
        self.display = Recorder()
        try:
            return fit(
                self.tiny.trainer,
                feed or self.tiny.feed,
                budget,
                KEY,
                validate=validate,
                checkpoints=checkpoints,
                open_metrics=lambda num_bytes: MetricsFile(self.metrics, num_bytes),
                display=self.display,
                tracer=tracer,
                explain=explain,
            )
        finally:
            checkpoints.close()

    def restored(self):
        from vae_jax.training.advance import abstract_start

        checkpoints = Checkpoints(self.path / "checkpoints")
        try:
            return checkpoints.restore_latest(abstract_start(self.tiny.trainer, self.tiny.feed, KEY))
        finally:
            checkpoints.close()


@pytest.fixture
def run(tiny, tmp_path):
    return Run(tiny, tmp_path / "run")


@pytest.fixture(scope="module")
def uninterrupted(tiny, tmp_path_factory):
    run = Run(tiny, tmp_path_factory.mktemp("uninterrupted") / "run")
    run.outcome = run.fit()
    return run


def values(*numbers):
    """A validation that finds these, one after another."""
    remaining = iter(numbers)
    return lambda params: {"value": next(remaining)}


def stop_at_call(number, signal_number=signal.SIGTERM):
    """A validation in whose midst a signal comes."""
    calls = iter(range(1_000))

    def validate(params):
        if next(calls) == number:
            os.kill(os.getpid(), signal_number)
        return {"value": float(params["bias"].sum())}

    return validate


def test_every_duty_is_done_at_its_step(uninterrupted):
    lines = read_metrics(uninterrupted.metrics)
    assert [(line["step"], line["split"]) for line in lines] == [
        (0, "validation"),
        (3, "train"),
        (6, "train"),
        (6, "validation"),
        (9, "train"),
        (12, "train"),
        (12, "validation"),
        (13, "train"),
        (13, "validation"),
    ]
    assert uninterrupted.display.trained == [3, 6, 9, 12, 13]
    assert [step for step, _ in uninterrupted.display.validated] == [0, 6, 12, 13]
    first, *later = uninterrupted.display.rates
    assert first == (None, None)  # most of its time went into compiling
    assert all(rate > 0 and left >= 0 for rate, left in later)
    assert later[-1][1] == 0
    outcome = uninterrupted.outcome
    assert (outcome.step, outcome.reason, outcome.is_finished) == (13, "all steps done", True)


def test_it_is_the_trainer_s_own_steps_over_the_feed_s_own_batches(uninterrupted, tiny, assert_same_bits):
    """And a line of metrics is the mean over the steps since the one before."""
    from vae_jax.data.feed import seen_batch, stored_batch

    state, step_once, per_step = jax.jit(tiny.trainer.init)(KEY), jax.jit(tiny.trainer.step), []
    gather = jax.jit(lambda step: seen_batch(tiny.feed, stored_batch(tiny.feed, step), step))
    for step in range(13):
        state, metrics = step_once(state, gather(step))
        per_step.append(metrics)
    progress, record = uninterrupted.restored()
    assert_same_bits(progress.state, state)
    assert (record.epoch, record.batch) == (3, 1)
    trained = [line for line in read_metrics(uninterrupted.metrics) if line["split"] == "train"]
    for line, steps in zip(trained, [range(3), range(3, 6), range(6, 9), range(9, 12), range(12, 13)], strict=True):
        for name in ("value", "kl", "log_likelihood", "gradient_norm"):
            np.testing.assert_allclose(line[name], np.mean([per_step[step][name] for step in steps]), rtol=1e-5)
        assert line["num_skipped"] == 0


def test_a_streamed_run_that_is_stopped_within_an_epoch_ends_with_the_bits_of_one_that_is_not(
    run, tiny, uninterrupted, tmp_path, assert_same_bits
):
    """In memory the batches are the same, but the program is another one, which XLA rounds in its own way."""
    streamed, whole = tiny.feed._replace(examples=tiny.examples, is_streamed=True), Run(tiny, tmp_path / "whole")
    assert run.fit(validate=stop_at_call(1, signal.SIGTERM), feed=streamed).step == 6
    assert run.fit(feed=streamed) == whole.fit(feed=streamed)
    assert_same_bits(run.restored(), whole.restored())
    assert run.metrics.read_bytes() == whole.metrics.read_bytes()
    for line, in_memory in zip(read_metrics(run.metrics), read_metrics(uninterrupted.metrics), strict=True):
        assert (line["step"], line.pop("split")) == (in_memory["step"], in_memory.pop("split"))
        assert line == pytest.approx(in_memory, rel=1e-5)
    (progress, record), (in_memory, its_record) = run.restored(), uninterrupted.restored()
    assert (record.epoch, record.batch, record.best.step) == (its_record.epoch, its_record.batch, its_record.best.step)
    for leaf, other in zip(
        jax.tree.leaves(progress.state.params), jax.tree.leaves(in_memory.state.params), strict=True
    ):
        np.testing.assert_allclose(leaf, other, rtol=1e-5)


def test_the_parameters_that_are_validated_are_the_average(uninterrupted):
    progress, _ = uninterrupted.restored()
    last = read_metrics(uninterrupted.metrics)[-1]
    np.testing.assert_allclose(last["value"], float(progress.state.average["bias"].sum()), rtol=1e-6)
    assert last["value"] != float(progress.state.params["bias"].sum())


@pytest.mark.parametrize(
    ("found", "best_step", "shown"),
    [
        pytest.param((1.0, 3.0, 2.0, 0.0), 6, [True, True, False, False], id="in the middle"),
        pytest.param((1.0, 3.0, 3.0, 3.0), 6, [True, True, False, False], id="a tie goes to the earlier"),
        pytest.param((9.0, 3.0, 3.5, 4.0), 0, [True, False, False, False], id="before training"),
        pytest.param((None, -5.0, -6.0, None), 6, [True, True, False, False], id="not finite is never the best"),
    ],
)
def test_the_best_validation_is_kept(run, found, best_step, shown):
    outcome = run.fit(validate=values(*found))
    assert outcome.best.step == best_step
    assert [is_best for _, is_best in run.display.validated] == shown
    assert (run.path / "checkpoints" / str(best_step)).is_dir()
    assert run.restored()[1].best == outcome.best


def test_patience_counts_validations_without_a_new_best(run):
    budget = BUDGET._replace(num_steps=60, patience=2)
    outcome = run.fit(budget, validate=values(1.0, 0.0, 2.0, 2.0, 1.5))
    assert (outcome.step, outcome.best.step) == (24, 12)
    assert outcome.reason == "no new best in 2 validations"
    assert outcome.is_finished
    # Resumed, it is still at its end: nothing is validated again.
    again = run.fit(budget, validate=values())
    assert again == outcome


def test_without_patience_it_goes_on(run):
    assert run.fit(BUDGET, validate=values(4.0, 3.0, 2.0, 1.0)).step == 13


def test_no_steps_are_a_validation_and_a_checkpoint(run):
    """For a model that `init` solves."""
    outcome = run.fit(BUDGET._replace(num_steps=0))
    assert (outcome.step, outcome.best.step, outcome.is_finished) == (0, 0, True)
    assert [(line["step"], line["split"]) for line in read_metrics(run.metrics)] == [(0, "validation")]
    assert int(run.restored()[0].state.step) == 0


@pytest.mark.parametrize("stop", [0, 1, 2])
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_says_so_and_the_run_can_go_on_bit_for_bit(
    run, uninterrupted, assert_same_bits, stop, signal_number
):
    before = signal.getsignal(signal_number)
    outcome = run.fit(validate=stop_at_call(stop, signal_number))
    assert signal.getsignal(signal_number) is before
    assert not outcome.is_finished
    assert outcome.reason == signal.Signals(signal_number).name
    assert outcome.step == (0, 6, 12)[stop]
    assert int(run.restored()[0].state.step) == outcome.step

    assert run.fit() == uninterrupted.outcome
    assert_same_bits(run.restored(), uninterrupted.restored())
    assert run.metrics.read_bytes() == uninterrupted.metrics.read_bytes()


def test_a_signal_between_validations_is_saved_at_that_step(run, uninterrupted, assert_same_bits, monkeypatch):
    """Where neither a line nor a validation is due, in the middle of what a line sums up."""
    display, next_duty = Recorder.train, loop.next_duty
    monkeypatch.setattr(loop, "next_duty", lambda step, budget: min(next_duty(step, budget), step // 4 * 4 + 4))

    def train(self, line, *rest):
        display(self, line, *rest)
        if line["step"] == 3:  # shown one turn late: the steps to 4 are under way
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Recorder, "train", train)
    assert run.fit().step == 4
    monkeypatch.undo()
    assert run.fit() == uninterrupted.outcome
    assert_same_bits(run.restored(), uninterrupted.restored())
    assert run.metrics.read_bytes() == uninterrupted.metrics.read_bytes()


def test_a_second_ctrl_c_does_not_wait(run):
    def impatient(params):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return {"value": 0.0}

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run.fit(validate=impatient)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_crash_loses_no_line_and_doubles_none(run, uninterrupted, assert_same_bits):
    """What was written after the last checkpoint is written again; half a line at the end is cut off."""
    numbers = iter(range(1_000))

    def crashing(params):
        if next(numbers) == 2:
            raise ZeroDivisionError
        return {"value": float(params["bias"].sum())}

    with pytest.raises(ZeroDivisionError):
        run.fit(validate=crashing)
    assert [line["step"] for line in read_metrics(run.metrics)] == [0, 3, 6, 6, 9, 12]
    with run.metrics.open("ab") as file:
        file.write(b'{"step": 12, "spl')
    assert run.fit() == uninterrupted.outcome
    assert_same_bits(run.restored(), uninterrupted.restored())
    assert run.metrics.read_bytes() == uninterrupted.metrics.read_bytes()


def test_more_steps_go_on_from_where_it_ended(run, uninterrupted, assert_same_bits):
    """Up to a step at which the shorter run had no duty that the longer one has not."""
    assert run.fit(BUDGET._replace(num_steps=12)).step == 12
    assert run.fit() == uninterrupted.outcome
    assert_same_bits(run.restored(), uninterrupted.restored())
    assert run.metrics.read_bytes() == uninterrupted.metrics.read_bytes()


def test_a_finished_run_that_is_resumed_changes_nothing(run, uninterrupted):
    run.fit()
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert run.fit(validate=values()) == uninterrupted.outcome
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_too_many_skipped_steps_in_a_row_end_the_run(run, tiny):
    """The message names the steps and the last good checkpoint, which is there."""
    examples = np.full_like(tiny.examples, np.nan)
    with pytest.raises(RunError) as raised:
        run.fit(BUDGET._replace(max_skipped=5), feed=tiny.with_examples(examples))
    message = str(raised.value)
    assert message.startswith("expected finite values, gradients and updates; the last 6 steps, 1 to 6, had none; ")
    # Not checkpoint 6, the latest: nobody knows a number that its parameters give.
    assert f"the last good checkpoint is {run.path / 'checkpoints' / '0'}; " in message
    assert "lower the learning rate" in message
    assert (run.path / "checkpoints" / "0").is_dir()
    lines = [line for line in read_metrics(run.metrics) if line["split"] == "train"]
    assert [(line["step"], line["num_skipped"], line["value"]) for line in lines] == [(3, 3, None), (6, 6, None)]


def test_a_run_without_a_single_good_step_fails_however_short_it_is(run, tiny):
    examples = np.full_like(tiny.examples, np.nan)
    with pytest.raises(RunError, match="the last 6 steps, 1 to 6, had none"):
        run.fit(BUDGET._replace(num_steps=6, max_skipped=50), feed=tiny.with_examples(examples))


def test_steps_that_were_skipped_are_explained_by_their_batches(run, tiny):
    """Of the steps of which none was finite the first line tells; what ends the run has the reason, too."""
    examples, asked = np.full_like(tiny.examples, np.nan), []

    def explain(first, last):
        asked.append((first, last))
        return "row 7 has nan"

    with pytest.raises(RunError, match=r"the last good checkpoint is .*; row 7 has nan"):
        run.fit(BUDGET._replace(max_skipped=5), feed=tiny.with_examples(examples), explain=explain)
    assert asked == [(0, 2), (0, 5)]
    assert run.display.said == ["row 7 has nan"]


def test_fewer_skipped_steps_are_counted_and_left_behind(run, tiny):
    examples = tiny.examples.copy()
    examples[5] = np.nan
    outcome = run.fit(BUDGET._replace(max_skipped=3), feed=tiny.with_examples(examples[:20]))
    assert outcome.is_finished
    last = [line for line in read_metrics(run.metrics) if line["split"] == "train"][-1]
    assert last["num_skipped"] == 3  # one in each of the three whole epochs
    progress, _ = run.restored()
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(progress.state.params))


def test_another_batch_size_is_refused(run, tiny):
    run.fit(BUDGET._replace(num_steps=6))
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(RunError) as raised:
        run.fit(feed=tiny.with_examples(tiny.examples, batch_size=7))
    assert str(raised.value) == (
        "expected the checkpoint of step 6 at batch 0 of epoch 2; it was saved at batch 2 of epoch 1: the batch size "
        "or the data have changed; train anew with --overwrite"
    )
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
