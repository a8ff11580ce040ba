"""Many steps in one call are the same steps."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.data.feed import make_feed, seen_batch, stored_batch
from vae_jax.training import advance as advance_module
from vae_jax.training import trainer
from vae_jax.training.advance import advance, loops_in_python, start
from vae_jax.vae import Model

KEY = jax.random.key(1)
NO_STREAM = iter(())


@pytest.fixture(scope="module", params=["in one call", "one after another"])
def run_steps(request, tiny):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(advance_module, "loops_in_python", lambda *_: request.param == "one after another")
        return advance(tiny.trainer, tiny.feed)


@pytest.fixture(scope="module")
def beginning(tiny):
    return start(tiny.trainer, tiny.feed, KEY)


@pytest.fixture
def fresh(beginning):
    """A copy, since the progress that is advanced is given away."""
    return jax.tree.map(jnp.copy, beginning)


@pytest.fixture(scope="module")
def step_by_hand(tiny):
    """A loop of our own over the trainer's step: (state, batch) -> (state, metrics)."""
    return jax.jit(tiny.trainer.step)


@pytest.fixture(scope="module")
def after_four(tiny, beginning, step_by_hand):
    state, sums = beginning.state, beginning.sums
    gather = jax.jit(lambda step: seen_batch(tiny.feed, stored_batch(tiny.feed, step), step))
    for step in range(4):
        state, metrics = step_by_hand(state, gather(step))
        sums = jax.tree.map(jnp.add, sums, metrics)
    return beginning._replace(state=state, sums=sums, num_summed=jnp.asarray(4, jnp.int32))


@pytest.mark.parametrize("cut", [(4,), (1, 3), (2, 2), (1, 1, 1, 1)], ids=str)
def test_however_the_steps_are_cut_the_bits_are_the_same(run_steps, fresh, after_four, assert_same_bits, cut):
    progress = fresh
    for num_steps in cut:
        progress = run_steps(progress, NO_STREAM, num_steps)
    assert_same_bits(progress, after_four)


def test_another_order_gives_other_parameters(tiny, fresh, after_four):
    other = advance(tiny.trainer, tiny.feed._replace(key=jax.random.key(8)))(fresh, NO_STREAM, 4)
    assert np.abs(other.state.params["decoder"] - after_four.state.params["decoder"]).max() > 1e-6


def test_no_steps_change_nothing(run_steps, fresh, beginning, assert_same_bits):
    assert_same_bits(run_steps(fresh, NO_STREAM, 0), beginning)


def test_the_progress_that_goes_in_is_donated(tiny, run_steps, fresh):
    run_steps(fresh, NO_STREAM, 2)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(fresh.state.params))


def test_sums_leave_out_the_steps_that_were_skipped(tiny, fresh, step_by_hand):
    """One example is NaN, so one batch of four is; the sums are those of the other three."""
    examples = tiny.examples.copy()
    examples[3, 1] = np.nan
    feed = tiny.with_examples(examples[:20])
    state, values = jax.tree.map(jnp.copy, fresh.state), []
    progress = advance(tiny.trainer, feed)(fresh, NO_STREAM, 4)
    for step in range(4):
        state, metrics = step_by_hand(state, seen_batch(feed, stored_batch(feed, step), step))
        values.append(float(metrics["value"]))
    assert np.isnan(values).sum() == 1
    assert int(progress.num_summed) == 3
    assert int(progress.state.num_skipped) == 1
    np.testing.assert_allclose(progress.sums["value"], np.nansum(values), rtol=1e-5)
    assert all(np.isfinite(total) for total in progress.sums.values())


def convolutional():
    """A trainer that convolves, within a nested jit and under a gradient, and its feed."""
    network = nn.Conv(2, (3, 3))

    def objective(key, params, batch, step):
        return -jnp.square(jax.jit(network.apply)(params, batch)).sum((1, 2, 3)), {}

    model = Model(lambda key: network.init(key, jnp.zeros((4, 4, 1))), lambda params: params)
    feed = make_feed(np.zeros((6, 4, 4, 1), np.float32), lambda key, x: x, 2, KEY)
    return trainer(model, objective, optax.sgd(0.1)), feed


def test_convolutions_on_a_cpu_are_looped_over_in_python_and_nothing_else_is(tiny, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    assert loops_in_python(*convolutional())
    assert not loops_in_python(tiny.trainer, tiny.feed)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not loops_in_python(*convolutional())
