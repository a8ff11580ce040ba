"""The step of two players against their gradients written out by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.data.feed import make_feed
from vae_jax.networks import Network, mlp
from vae_jax.objectives import factor_vae, factor_vae_discriminator
from vae_jax.training import Trainer, adversarial_trainer, params_to_evaluate
from vae_jax.training.advance import advance, start
from vae_jax.vae import Model

KEY = jax.random.key(3)


# A discriminator that is a single number d, times what it sees.
NUMBER = Network(lambda key: jnp.full((), 2.0), lambda params, code: params * code)


def toward_the_other(key, w, discriminator, batch, step):
    """The model's: −(w − d)², so its gradient by hand is 2 (d − w)."""
    return -jnp.square(w - discriminator(jnp.ones(()))) + 0 * batch, {"noise": jax.random.normal(key, batch.shape)}


def away_from_the_other(key, w, discriminator, batch, step):
    """The discriminator's: −(d − 3 w − x)², so its gradient by hand is 2 (3 w + mean x − d)."""
    return -jnp.square(discriminator(jnp.ones(())) - 3 * w - batch), {"noise": jax.random.normal(key, batch.shape)}


def of_two_numbers(
    objective=toward_the_other, other=away_from_the_other, *, rate=0.1, other_rate=0.1, **options
) -> Trainer:
    return adversarial_trainer(
        Model(lambda key: jnp.ones(()), lambda w: w),
        objective,
        optax.sgd(rate),
        discriminator=NUMBER,
        discriminator_objective=other,
        discriminator_optimizer=optax.sgd(other_rate),
        **options,
    )


def test_each_player_ascends_its_own_objective_from_where_both_stood():
    two = of_two_numbers()
    state, one_step = two.init(KEY), jax.jit(two.step)
    w, d, x = 1.0, 2.0, np.array([1.0, 2.0, 6.0])
    for step in range(3):
        state, metrics = one_step(state, jnp.asarray(x, jnp.float32))
        np.testing.assert_allclose(metrics["value"], -((w - d) ** 2), rtol=1e-5)
        np.testing.assert_allclose(metrics["discriminator_value"], -np.mean((d - 3 * w - x) ** 2), rtol=1e-5)
        np.testing.assert_allclose(metrics["gradient_norm"], abs(2 * (d - w)), rtol=1e-5)
        np.testing.assert_allclose(metrics["discriminator_gradient_norm"], abs(2 * (3 * w + x.mean() - d)), rtol=1e-5)
        np.testing.assert_allclose(metrics["noise"], metrics["discriminator_noise"])  # the same key
        w, d = w + 0.1 * 2 * (d - w), d + 0.1 * 2 * (3 * w + x.mean() - d)
        np.testing.assert_allclose(state.params, w, rtol=1e-5)
        np.testing.assert_allclose(state.opt_state.discriminator, d, rtol=1e-5)
        assert int(state.step) == step + 1
    assert set(metrics) == {
        *("value", "gradient_norm", "noise"),
        *("discriminator_value", "discriminator_gradient_norm", "discriminator_noise"),
    }


@pytest.mark.parametrize(("rate", "other_rate"), [(0.0, 0.1), (0.1, 0.0)])
def test_a_player_that_stands_still_is_not_moved_by_the_other(rate, other_rate):
    two = of_two_numbers(rate=rate, other_rate=other_rate)
    before = two.init(KEY)
    state, _ = jax.jit(two.step)(before, jnp.ones(2))
    moved = (float(state.params) != 1.0, float(state.opt_state.discriminator) != 2.0)
    assert moved == (rate > 0, other_rate > 0)


def not_finite_for(objective):
    def with_nan(key, w, discriminator, batch, step):
        values, metrics = objective(key, w, discriminator, jnp.where(jnp.isnan(batch), 0, batch), step)
        return jnp.where(jnp.isnan(batch), jnp.nan, values), metrics

    def without(key, w, discriminator, batch, step):
        return objective(key, w, discriminator, jnp.where(jnp.isnan(batch), 0, batch), step)

    return with_nan, without


@pytest.mark.parametrize("who", ["the model", "the discriminator"])
def test_what_is_not_finite_for_one_changes_neither_and_is_counted(who, assert_same_bits):
    bad_model, good_model = not_finite_for(toward_the_other)
    bad_other, good_other = not_finite_for(away_from_the_other)
    players = (bad_model, good_other) if who == "the model" else (good_model, bad_other)
    two = of_two_numbers(*players, average_decay=0.5)
    one_step = jax.jit(two.step)
    good, bad = jnp.ones(4), jnp.ones(4).at[2].set(jnp.nan)
    state, _ = one_step(two.init(KEY), good)
    counts = []
    for batch in (bad, bad, good, bad):
        before, (state, _) = state, one_step(state, batch)
        counts.append((int(state.step), int(state.num_skipped), int(state.num_skipped_in_a_row)))
        if batch is bad:
            assert_same_bits(
                (state.params, state.opt_state, state.average), (before.params, before.opt_state, before.average)
            )
        else:
            assert float(state.params) != float(before.params)
            assert float(state.opt_state.discriminator) != float(before.opt_state.discriminator)
    assert counts == [(2, 1, 1), (3, 2, 2), (4, 2, 0), (5, 3, 1)]


def test_the_average_is_of_the_model_and_is_what_is_evaluated():
    two = of_two_numbers(average_decay=0.8)
    state, one_step = two.init(KEY), jax.jit(two.step)
    expected = 1.0
    for _ in range(3):
        state, _ = one_step(state, jnp.ones(2))
        expected = 0.8 * expected + 0.2 * float(state.params)
    np.testing.assert_allclose(state.average, expected, rtol=1e-5)
    assert params_to_evaluate(state) is state.average
    assert params_to_evaluate(of_two_numbers().init(KEY)).shape == ()


def test_noise_is_a_function_of_key_and_step_alone():
    two = of_two_numbers()
    one_step = jax.jit(two.step)
    state = two.init(KEY)
    later, _ = one_step(state, jnp.ones(3))

    def noise_of(state):
        return float(one_step(state, jnp.ones(3))[1]["noise"])

    assert noise_of(state._replace(step=jnp.asarray(1))) == noise_of(later)
    assert noise_of(later._replace(params=jnp.asarray(9.0))) == noise_of(later)
    assert noise_of(state) != noise_of(later)
    assert noise_of(later._replace(key=jax.random.key(4))) != noise_of(later)


@pytest.fixture(scope="module")
def factor(tiny):
    """FactorVAE on the tiny model, its learning rate and γ given."""

    def make(rate=1e-2, gamma=5.0):
        return adversarial_trainer(
            tiny.model,
            functools.partial(factor_vae, gamma=gamma),
            optax.adam(rate),
            discriminator=mlp((2,), (), (8,)),
            discriminator_objective=factor_vae_discriminator,
            discriminator_optimizer=optax.adam(1e-2),
        )

    return make


def test_learning_rate_and_penalty_may_be_lanes(tiny, factor):
    """One vmapped program equals separate runs."""
    batch = jnp.asarray(tiny.examples[:5])

    @jax.jit
    def params_after(rate, gamma):
        two = factor(rate, gamma)
        state, _ = jax.lax.scan(lambda state, _: (two.step(state, batch)[0], None), two.init(KEY), length=4)
        return state.params["decoder"]

    rates, gammas = jnp.array([1e-3, 1e-2]), jnp.array([0.0, 20.0])
    together = jax.jit(jax.vmap(params_after))(rates, gammas)
    alone = [params_after(rate, gamma) for rate, gamma in zip(rates, gammas, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_the_loop_runs_it_in_pieces_to_the_same_bits(tiny, factor, assert_same_bits):
    """Both players are in the progress that a checkpoint holds, so that 3 + 4 steps are 7."""
    two, feed = factor(), make_feed(tiny.examples, lambda key, x: x, 5, jax.random.key(7))
    run = advance(two, feed)
    at_once = run(start(two, feed, KEY), iter(()), 7)
    halfway = jax.tree.map(jnp.copy, run(start(two, feed, KEY), iter(()), 3))
    assert_same_bits(run(halfway, iter(()), 4), at_once)
    assert int(at_once.num_summed) == 7
