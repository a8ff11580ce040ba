"""A batch in shares: what an objective states of its examples, and what is refused because it does not."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.axis import keys_of_share, mean_over
from vae_jax.networks import mlp
from vae_jax.objectives import beta_tcvae, coupled, elbo, geco, over_batch, scheduled, separable, wae
from vae_jax.stated import couples_examples
from vae_jax.training import adversarial_trainer, trainer
from vae_jax.training.shares import Shares

KEY = jax.random.key(3)
TC = functools.partial(beta_tcvae, num_examples=100, beta=6.0)
SHARES = {"parts": {"num_parts": 2}, "axis": {"axis_name": "data"}, "both": {"axis_name": "data", "num_parts": 2}}
shares = pytest.mark.parametrize("share", SHARES.values(), ids=SHARES.keys())


def hidden(key, vae, batch, step):
    """A coupled objective inside a plain function: a share by itself would be estimated from its own codes."""
    return TC(key, vae, batch, step)


def of_tiny(tiny, objective, **share):
    return trainer(tiny.model, objective, optax.sgd(1.0), **share)


@shares
@pytest.mark.parametrize("objective", [hidden, lambda *of: over_batch(elbo)(*of), functools.partial(hidden)])
def test_an_objective_that_states_nothing_is_refused_on_a_share(tiny, objective, share):
    message = (
        r"expected an objective that states whether it couples its .*(in 2 parts|axis 'data').*; make it by over_ba"
    )
    with pytest.raises(ValueError, match=message):
        of_tiny(tiny, objective, **share)
    of_tiny(tiny, objective)


@shares
def test_players_that_state_nothing_are_refused_on_a_share(tiny, share):
    def two(player, **share):
        how = {"discriminator": mlp((2,), (), (4,)), "discriminator_optimizer": optax.sgd(0.1)}
        return adversarial_trainer(tiny.model, player, optax.sgd(0.1), discriminator_objective=player, **how, **share)

    player = lambda key, vae, discriminator, batch, step: (batch.sum(axis=1), {})
    two(player)
    two(separable(lambda *of: player(*of)), axis_name="data")
    with pytest.raises(
        ValueError, match="states whether it couples its examples, for a batch over the axis 'data'; got"
    ):
        two(player, axis_name="data")


def test_a_whole_batch_is_right_whatever_is_stated(tiny):
    batch = jnp.asarray(tiny.examples[:4])
    state = of_tiny(tiny, TC).init(KEY)
    values = [jax.jit(of_tiny(tiny, objective).step)(state, batch)[1]["value"] for objective in (TC, hidden)]
    np.testing.assert_allclose(*values, rtol=1e-6)


@pytest.mark.parametrize("share", [SHARES["parts"], SHARES["both"]])
@pytest.mark.parametrize("objective", [TC, scheduled(TC, beta=lambda step: step), functools.partial(TC, alpha=2.0)])
def test_parts_of_what_is_coupled_are_refused(tiny, objective, share):
    with pytest.raises(ValueError, match=r"is a mean over examples, for a batch .*in 2 parts; .*; use num_parts=1"):
        of_tiny(tiny, objective, **share)


def test_a_separable_function_of_ones_own_is_the_same_step_in_parts(tiny):
    """The noise of each example included."""
    batch = jnp.asarray(tiny.examples[:4])

    @separable
    def in_bits(key, vae, batch, step):
        values, metrics = over_batch(elbo)(key, vae, batch, step)
        return values / jnp.log(2), metrics

    whole, parts = of_tiny(tiny, in_bits), of_tiny(tiny, in_bits, num_parts=2)
    state = whole.init(KEY)
    (after, metrics), (in_parts, same) = jax.jit(lambda state: (whole.step(state, batch), parts.step(state, batch)))(
        state
    )
    np.testing.assert_allclose(metrics["value"], same["value"], rtol=1e-5)
    for name in after.params:
        np.testing.assert_allclose(after.params[name], in_parts.params[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("of", [hidden, lambda key, vae, batch, step: (keys_of_share(key, batch), {})])
def test_what_says_separable_but_asks_for_the_whole_is_refused(unchecked_shapes, tiny, of):
    """When it is traced: it got a key for each example of a share where it needs the one of the whole batch."""
    in_parts = of_tiny(tiny, separable(lambda *batch: of(*batch)), num_parts=2)
    with pytest.raises(
        ValueError, match="expected one key, of the whole batch; got 2, of the examples of a share; state"
    ):
        jax.eval_shape(in_parts.step, in_parts.init(KEY), jnp.asarray(tiny.examples[:4]))


def test_one_s_own_coupled_objective_is_told_the_axis():
    """The squared distance from the batch's mean: of four devices as of one."""

    @coupled
    def spread(key, w, batch, step, *, axis_name=None):
        return -w * jnp.square(batch - mean_over(batch.mean(), axis_name)), {}

    batch = jnp.arange(8.0)
    expected, _ = spread(KEY, 1.0, batch, 0)
    told = Shares("data").fitted(spread)
    in_shares = jax.vmap(lambda share: told(KEY, 1.0, share, 0)[0], axis_name="data")(batch.reshape(4, 2))
    np.testing.assert_allclose(in_shares.ravel(), expected, rtol=1e-6)


@shares
def test_a_stateful_objective_states_it_too(tiny, share):
    """GECO is separable, as what its multiplier follows is seen of the whole batch afterwards."""
    of_tiny(tiny, geco(-3.0), **share)
    hidden_within = geco(-3.0)._replace(apply=lambda *of: geco(-3.0).apply(*of))
    with pytest.raises(ValueError, match="expected an objective that states whether it couples its examples"):
        of_tiny(tiny, hidden_within, **share)


def test_a_state_in_parts_is_that_of_the_whole(tiny):
    batch = jnp.asarray(tiny.examples[:6])
    whole, parts = (of_tiny(tiny, geco(-3.0, rate=0.1), num_parts=num) for num in (1, 3))
    state = whole.init(KEY)
    (after, metrics), (in_parts, same) = jax.jit(lambda state: (whole.step(state, batch), parts.step(state, batch)))(
        state
    )
    np.testing.assert_allclose(metrics["value"], same["value"], rtol=1e-5)
    assert float(after.objective_state.log_multiplier) != 0.0
    np.testing.assert_allclose(after.objective_state, in_parts.objective_state, rtol=1e-5)


def test_a_statement_is_found_through_partial_wraps_and_jit():
    assert couples_examples(functools.partial(functools.partial(wae, weight=1.0)))
    assert couples_examples(scheduled(functools.partial(wae, weight=1.0), weight=lambda step: step))
    assert couples_examples(jax.jit(TC))
    assert couples_examples(functools.partial(over_batch(elbo))) is False
    assert couples_examples(hidden) is None
