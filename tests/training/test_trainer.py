"""The training step against gradient ascent written out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.objectives import elbo, geco, over_batch
from vae_jax.training import params_to_evaluate, trainer
from vae_jax.training.advance import abstract_start, advance, start
from vae_jax.training.checkpoint import Checkpoints, Record
from vae_jax.types import StatefulObjective
from vae_jax.vae import Model

KEY = jax.random.key(3)
OBJECTIVE = over_batch(elbo)


@pytest.fixture(scope="module")
def batch(tiny):
    return jnp.asarray(tiny.examples[:5])


def of_one_number(objective, optimizer=None, **options):
    """A trainer whose model is a single number w, and its VAE that number."""
    model = Model(lambda key: jnp.ones(()), lambda w: w)
    return trainer(model, objective, optimizer or optax.sgd(0.1), **options)


def test_a_step_is_one_of_gradient_ascent(tiny, batch):
    optimizer = optax.adam(1e-2)
    ascent = trainer(tiny.model, OBJECTIVE, optimizer)
    state, one_step = ascent.init(KEY), jax.jit(ascent.step)
    params, opt_state = state.params, optimizer.init(state.params)

    @jax.jit
    def value_and_gradient(params, step):
        def mean_value(params):
            values, metrics = OBJECTIVE(jax.random.fold_in(state.key, step), tiny.model.bind(params), batch, step)
            return values.mean(), metrics

        return jax.value_and_grad(mean_value, has_aux=True)(params)

    for step in range(3):
        (value, metrics), gradient = value_and_gradient(params, step)
        updates, opt_state = optimizer.update(jax.tree.map(jnp.negative, gradient), opt_state, params)
        params = optax.apply_updates(params, updates)

        state, got = one_step(state, batch)
        for name in params:
            np.testing.assert_allclose(state.params[name], params[name], rtol=1e-5, atol=1e-7)
        assert set(got) == {"value", "log_likelihood", "kl", "gradient_norm"}
        np.testing.assert_allclose(got["value"], value, rtol=1e-6)
        np.testing.assert_allclose(got["kl"], metrics["kl"].mean(), rtol=1e-6)
        np.testing.assert_allclose(got["log_likelihood"], metrics["log_likelihood"].mean(), rtol=1e-6)
        norm = np.sqrt(sum(np.square(np.asarray(leaf, float)).sum() for leaf in jax.tree.leaves(gradient)))
        np.testing.assert_allclose(got["gradient_norm"], norm, rtol=1e-5)
    assert int(state.step) == 3
    assert int(state.num_skipped) == int(state.num_skipped_in_a_row) == 0


def test_the_value_goes_up():
    def objective(key, w, batch, step):
        return -jnp.square(w - batch), {}

    ascent = of_one_number(objective)
    state, one_step = ascent.init(KEY), jax.jit(ascent.step)
    values = []
    for _ in range(30):
        state, metrics = one_step(state, jnp.full(4, 5.0))
        values.append(float(metrics["value"]))
    assert values == sorted(values)
    np.testing.assert_allclose(state.params, 5.0, atol=0.01)


def test_the_objective_is_told_the_step():
    ascent = of_one_number(lambda key, w, batch, step: (w * batch, {"step": jnp.full(batch.shape, step)}))
    state, one_step = ascent.init(KEY), jax.jit(ascent.step)
    steps = []
    for _ in range(3):
        state, metrics = one_step(state, jnp.ones(2))
        steps.append(int(metrics["step"]))
    assert steps == [0, 1, 2]


def test_the_average_is_an_exponential_moving_one_and_is_what_is_evaluated(tiny, batch):
    ascent = trainer(tiny.model, OBJECTIVE, optax.sgd(0.1), average_decay=0.8)
    state, one_step = ascent.init(KEY), jax.jit(ascent.step)
    expected = jax.tree.map(np.asarray, state.params)
    for _ in range(3):
        state, _ = one_step(state, batch)
        expected = jax.tree.map(lambda average, new: 0.8 * average + 0.2 * np.asarray(new), expected, state.params)
    for name in expected:
        np.testing.assert_allclose(state.average[name], expected[name], rtol=1e-5, atol=1e-7)
        assert np.abs(state.average[name] - state.params[name]).max() > 1e-3
    assert params_to_evaluate(state) is state.average


def test_without_an_average_the_parameters_are_evaluated(tiny, assert_same_bits):
    state = trainer(tiny.model, OBJECTIVE, optax.sgd(0.1)).init(KEY)
    assert state.average is None
    assert_same_bits(params_to_evaluate(state), state.params)


@pytest.mark.parametrize(
    "objective",
    [
        pytest.param(lambda key, w, batch, step: (w * batch, {}), id="a value of nan, from the data"),
        pytest.param(
            lambda key, w, batch, step: (w + jnp.where(jnp.isnan(batch), jnp.inf, batch), {}),
            id="an infinite value with a finite gradient",
        ),
        pytest.param(
            lambda key, w, batch, step: (jnp.sqrt(w * jnp.where(jnp.isnan(batch), 0.0, 1.0)), {}),
            id="a finite value with a gradient of nan",
        ),
    ],
)
def test_what_is_not_finite_changes_nothing_and_is_counted(objective, assert_same_bits):
    ascent = of_one_number(objective, optax.adam(0.1), average_decay=0.5)
    one_step = jax.jit(ascent.step)
    good, bad = jnp.ones(4), jnp.ones(4).at[2].set(jnp.nan)
    state, _ = one_step(ascent.init(KEY), good)

    def carried(state):
        return state.params, state.opt_state, state.average

    before = carried(state)
    counts = []
    for batch in (bad, bad, good, bad):
        is_bad = batch is bad
        state, metrics = one_step(state, batch)
        counts.append((int(state.step), int(state.num_skipped), int(state.num_skipped_in_a_row)))
        assert bool(jnp.isfinite(metrics["value"]) & jnp.isfinite(metrics["gradient_norm"])) is not is_bad
        if is_bad:
            assert_same_bits(carried(state), before)
        else:
            assert float(state.params) != float(before[0])
        before = carried(state)
    assert counts == [(2, 1, 1), (3, 2, 2), (4, 2, 0), (5, 3, 1)]


def test_a_gradient_that_is_too_long_changes_nothing_and_is_counted(assert_same_bits):
    """The norm is that of the mean gradient, which is the mean of the batch, before anything else is done to it."""
    objective = lambda key, w, batch, step: (w * batch, {})
    clipped = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1))
    ascent, free = (
        of_one_number(objective, clipped, average_decay=0.5, **limit) for limit in ({"skip_above": 3.0}, {})
    )
    state, without = (each.step(each.init(KEY), jnp.full(4, 3.0))[0] for each in (ascent, free))
    assert_same_bits(state, without)
    long, metrics = ascent.step(state, jnp.full(4, 3.01))
    assert_same_bits((long.params, long.opt_state, long.average), (state.params, state.opt_state, state.average))
    assert (int(long.step), int(long.num_skipped), int(long.num_skipped_in_a_row)) == (2, 1, 1)
    assert float(metrics["gradient_norm"]) == pytest.approx(3.01)
    assert int(ascent.step(long, jnp.full(4, jnp.nan))[0].num_skipped) == 2
    with pytest.raises(ValueError, match=r"expected skip_above to be a norm > 0; got 0.0; leave it out for no limit"):
        of_one_number(objective, skip_above=0.0)


def after_each_of(num, ascent):
    """The states after so many steps on a batch of ones."""
    states, one_step = [ascent.init(KEY)], jax.jit(ascent.step)
    for _ in range(num):
        states.append(one_step(states[-1], jnp.ones(4))[0])
    return states


@pytest.mark.parametrize(
    ("wrapped", "way"),
    [
        pytest.param(lambda inner: inner, 0.1, id="plain"),
        pytest.param(lambda inner: optax.lookahead(inner, 2, 0.5), 0.05, id="half of it, back to the slow copy"),
    ],
)
def test_an_update_that_is_not_finite_moves_nothing_and_is_counted(wrapped, way):
    """By a schedule of 1/√step, which is infinite at the first one."""
    optimizer = wrapped(optax.sgd(lambda step: 0.1 / jnp.sqrt(step)))
    ascent = of_one_number(lambda key, w, batch, step: (w * batch, {}), optimizer, average_decay=0.5)
    first, skipped, moved, again = after_each_of(3, ascent)
    assert float(skipped.params) == float(params_to_evaluate(skipped)) == float(first.params)
    assert [int(state.num_skipped) for state in (skipped, moved, again)] == [1, 1, 1]
    assert [int(state.num_skipped_in_a_row) for state in (skipped, moved, again)] == [1, 0, 0]
    np.testing.assert_allclose(moved.params - skipped.params, way, rtol=1e-5)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((again.params, again.average, again.opt_state)))


def test_an_optimizer_that_makes_nothing_finite_is_counted_at_every_step():
    ascent = of_one_number(lambda key, w, batch, step: (w * batch, {}), optax.sgd(jnp.inf))
    *_, last = after_each_of(3, ascent)
    assert (float(last.params), int(last.num_skipped_in_a_row)) == (1.0, 3)


def test_entries_without_an_update_stay_and_the_others_move():
    """0/0 in Adam without ε, where an entry has no gradient."""
    model = Model(lambda key: {"few": jnp.ones(2), "many": jnp.ones((2, 3))}, lambda params: params)
    used = jnp.array([True, False, True])

    def objective(key, params, batch, step):
        return batch * (params["few"].sum() + jnp.where(used, params["many"], 0).sum()), {}

    *_, last = after_each_of(2, trainer(model, objective, optax.adam(0.1, eps=0.0)))
    np.testing.assert_allclose(last.params["few"], 1.2, rtol=1e-5)
    np.testing.assert_allclose(last.params["many"], np.broadcast_to(np.where(used, 1.2, 1.0), (2, 3)), rtol=1e-5)
    assert int(last.num_skipped) == 0


def test_learning_rate_and_seed_may_be_lanes(tiny, batch):
    """One compiled, vmapped program equals separate runs, and is traced once."""
    num_traces = 0

    def counting(key, vae, batch, step):
        nonlocal num_traces
        num_traces += 1
        return OBJECTIVE(key, vae, batch, step)

    def params_after(learning_rate, key):
        ascent = trainer(tiny.model, counting, optax.adam(learning_rate))
        state, _ = jax.lax.scan(lambda state, _: ascent.step(state, batch), ascent.init(key), length=5)
        return state.params

    rates, keys = jnp.array([1e-3, 1e-2, 1e-1]), jax.random.split(KEY, 3)
    lanes = jax.jit(jax.vmap(params_after))
    together = lanes(rates, keys)
    lanes(rates / 2, keys)
    assert num_traces == 1
    params_after = jax.jit(params_after)
    alone = [params_after(rate, key) for rate, key in zip(rates, keys, strict=True)]
    for lane, params in enumerate(alone):
        for name in params:
            np.testing.assert_allclose(together[name][lane], params[name], rtol=1e-4, atol=1e-6)
    assert np.abs(alone[0]["decoder"] - alone[2]["decoder"]).max() > 0.01


def test_a_step_is_traced_once(tiny, batch):
    num_traces = 0

    def counting(key, vae, batch, step):
        nonlocal num_traces
        num_traces += 1
        return OBJECTIVE(key, vae, batch, step)

    ascent = trainer(tiny.model, counting, optax.adam(1e-2), average_decay=0.9)
    state, step = jax.jit(ascent.init)(KEY), jax.jit(ascent.step)
    for _ in range(4):
        state, _ = step(state, batch)
    assert num_traces == 1


def test_noise_is_a_function_of_key_and_step_alone():
    def noise(key, w, batch, step):
        return w * jax.random.normal(key, batch.shape), {"noise": jax.random.normal(key, batch.shape)}

    ascent = of_one_number(noise, optax.sgd(0.1))

    one_step = jax.jit(ascent.step)

    def noise_of(state):
        return float(one_step(state, jnp.ones(3))[1]["noise"])

    state = ascent.init(KEY)
    later, _ = one_step(state, jnp.ones(3))
    at_step_1 = noise_of(later)
    assert noise_of(state._replace(step=jnp.asarray(1))) == at_step_1
    assert noise_of(later._replace(params=jnp.asarray(9.0))) == at_step_1
    assert noise_of(state) != at_step_1
    assert noise_of(later._replace(key=jax.random.key(4))) != at_step_1


# What an objective remembers


def counting_objective():
    """Its state counts the good steps and remembers the last batch's mean, which the value then follows."""

    def apply(key, w, batch, step, state):
        return w * batch + state["mean"], {"seen": jnp.full(batch.shape, state["count"])}, {"x": batch}

    def after(state, seen):
        return {"count": state["count"] + 1, "mean": seen["x"].mean()}

    return StatefulObjective(lambda: {"count": jnp.zeros((), jnp.int32), "mean": jnp.zeros(())}, apply, after)


def test_a_state_is_carried_from_step_to_step():
    ascent = of_one_number(counting_objective())
    state, one_step = ascent.init(KEY), jax.jit(ascent.step)
    previous = 0.0
    for count, number in enumerate((3.0, 5.0, -1.0)):
        assert int(state.objective_state["count"]) == count
        w = float(state.params)
        state, metrics = one_step(state, jnp.full(4, number))
        assert int(metrics["seen"]) == count
        np.testing.assert_allclose(metrics["value"], w * number + previous, rtol=1e-6)
        np.testing.assert_allclose(metrics["gradient_norm"], abs(number), rtol=1e-6)  # none through the state
        previous = number


def test_a_skipped_step_leaves_the_state_as_it_was(assert_same_bits):
    ascent = of_one_number(counting_objective(), optax.adam(0.1))
    one_step = jax.jit(ascent.step)
    state, _ = one_step(ascent.init(KEY), jnp.ones(4))
    skipped, _ = one_step(state, jnp.full(4, jnp.nan))
    assert_same_bits(skipped.objective_state, state.objective_state)
    assert int(skipped.num_skipped) == 1


def test_an_objective_without_a_state_has_an_empty_one(tiny, batch):
    ascent = trainer(tiny.model, OBJECTIVE, optax.sgd(0.1))
    state, _ = jax.jit(ascent.step)(ascent.init(KEY), batch)
    assert state.objective_state == ()


def test_a_state_may_be_a_lane(tiny, batch):
    """Targets of GECO as a sweep: one program equals separate runs."""

    def run(target):
        ascent = trainer(tiny.model, geco(target, rate=0.1), optax.sgd(1e-3))
        state, _ = jax.lax.scan(lambda state, _: ascent.step(state, batch), ascent.init(KEY), length=4)
        return state.objective_state, state.params

    targets = jnp.array([-10.0, -3.0])
    together, run = jax.jit(jax.vmap(run))(targets), jax.jit(run)
    for lane, target in enumerate(targets):
        jax.tree.map(
            lambda some, alone, lane=lane: np.testing.assert_allclose(some[lane], alone, rtol=1e-4, atol=1e-6),
            together,
            run(target),
        )
    assert abs(together[0].log_multiplier[0] - together[0].log_multiplier[1]) > 0.1


def test_a_state_is_saved_and_resumed(tiny, tmp_path, assert_same_bits):
    """Six steps in one go, and three, a checkpoint from the disk, and three: the same bits."""
    ascent = trainer(tiny.model, geco(-3.0, rate=0.1), optax.adam(1e-2))
    run = advance(ascent, tiny.feed)
    whole = run(start(ascent, tiny.feed, KEY), iter(()), 6)
    half = run(start(ascent, tiny.feed, KEY), iter(()), 3)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(3, half, Record(0, 3, 0, None))
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    restored, _ = checkpoints.restore_latest(abstract_start(ascent, tiny.feed, KEY))
    checkpoints.close()
    resumed = run(restored, iter(()), 3)
    assert_same_bits(resumed, whole)
    assert float(whole.state.objective_state.log_multiplier) != 0.0
