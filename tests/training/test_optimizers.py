"""Optimizers that ask for more than a gradient, or that are evaluated elsewhere, against optax called by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from vae_jax.networks import Network
from vae_jax.objectives import elbo, over_batch
from vae_jax.training import adversarial_trainer, params_to_evaluate, trainer
from vae_jax.vae import Model

KEY = jax.random.key(3)
BATCH = jnp.array([[1.0, -2.0, 0.5], [0.0, 3.0, 0.5], [2.0, 1.0, 0.0], [-1.0, 0.5, 4.0]])
START = {"loc": jnp.array([3.0, -1.0, 0.2]), "log_scale": jnp.array(0.4)}


def fit_of(params, x):
    """A number that is greatest where these parameters fit an example, and not quadratic."""
    return -jnp.sum(jnp.square(x - params["loc"]) * jnp.exp(params["log_scale"])) + 3 * params["log_scale"]


def loss(params):
    return -jnp.mean(jax.vmap(lambda x: fit_of(params, x))(BATCH))


def of_a_fit(optimizer, **options):
    model = Model(lambda key: jax.tree.map(jnp.copy, START), lambda params: params)
    objective = over_batch(lambda key, params, x: (fit_of(params, x), {}))
    return trainer(model, objective, optimizer, **options)


def states_of(ascent, num_steps):
    """The first state, and those after each step."""
    states, one_step = [ascent.init(KEY)], jax.jit(ascent.step)
    for _ in range(num_steps):
        states.append(one_step(states[-1], BATCH)[0])
    return states


def after_steps(ascent, num_steps):
    return states_of(ascent, num_steps)[-1]


def by_hand(optimizer, num_steps, loss=loss, start=START, **functions):
    """(parameters, state) of optax, told everything that a line search asks for."""

    @jax.jit
    def step(params, state):
        value, gradient = jax.value_and_grad(loss)(params)
        extra = functions or {"value": value, "grad": gradient, "value_fn": loss}
        updates, state = optimizer.update(gradient, state, params, **extra)
        return optax.apply_updates(params, updates), state

    params, state = start, optimizer.init(start)
    for _ in range(num_steps):
        params, state = step(params, state)
    return params, state


def assert_close(tree, expected, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **({"rtol": 1e-5} | tolerance)), tree, expected)


def moved(params):
    return max(float(jnp.abs(params[name] - START[name]).max()) for name in START)


ASKING = {
    "polyak_sgd": optax.polyak_sgd(0.1),
    "reduce_on_plateau": optax.chain(optax.sgd(0.02), contrib.reduce_on_plateau(factor=0.5, patience=1, rtol=0.5)),
    "backtracking": optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(8)),
    "lbfgs": optax.lbfgs(),
    "momo": contrib.momo(0.1),
}
"""Those that want `value`, `grad` or `value_fn`."""
SAM = (optax.sgd(0.02), optax.chain(contrib.normalize(), optax.sgd(0.1)))


@pytest.mark.parametrize("name", ASKING)
def test_an_optimizer_is_told_what_it_asks_for(name):
    params, _ = by_hand(ASKING[name], 4)
    state = after_steps(of_a_fit(ASKING[name]), 4)
    assert_close(state.params, params)
    assert int(state.num_skipped) == 0
    assert moved(params) > 0.05


def test_a_state_of_its_own_hands_them_on():
    """`MultiSteps` takes them, and says so by its signature only."""
    plateau = optax.MultiSteps(ASKING["reduce_on_plateau"], 2)
    assert_close(after_steps(of_a_fit(plateau), 6).params, by_hand(plateau, 6)[0])


def test_sophia_gets_the_function_whose_curvature_it_estimates():
    # The sign of each entry's noise is drawn, but the curvature in one number is the same for both signs.
    optimizer = contrib.sophia(0.05, update_interval=1)
    params, _ = by_hand(optimizer, 3, obj_fn=loss)
    assert_close(after_steps(of_a_fit(optimizer), 3).params, params)


def test_sam_gets_the_gradient_elsewhere():
    opaque = contrib.sam(*SAM, sync_period=3, opaque_mode=True)
    params, _ = by_hand(opaque, 3, grad_fn=lambda params, _: jax.grad(loss)(params))
    assert_close(after_steps(of_a_fit(opaque), 3).params, params)
    # Opaque or not, it is the same way.
    seen = after_steps(of_a_fit(optax.chain(optax.identity(), contrib.sam(*SAM, sync_period=3))), 9)
    assert_close(seen.params, params)


def test_a_line_search_sees_the_noise_of_the_step(tiny):
    """One step on the bound: the values along the line are those of one draw."""
    batch = jnp.asarray(tiny.examples[:4])
    ascent = trainer(tiny.model, over_batch(elbo), ASKING["backtracking"])
    start = ascent.init(KEY)

    def loss(params):
        key = jax.random.fold_in(start.key, 0)
        return -over_batch(elbo)(key, tiny.model.bind(params), batch, 0)[0].mean()

    params, _ = by_hand(ASKING["backtracking"], 1, loss, start.params)
    assert_close(jax.jit(ascent.step)(start, batch)[0].params, params, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["polyak_sgd", "backtracking"])
def test_of_a_batch_in_parts_the_value_is_the_mean(name):
    whole, in_parts = (after_steps(of_a_fit(ASKING[name], num_parts=num), 3) for num in (1, 2))
    assert_close(in_parts.params, whole.params, rtol=1e-4, atol=1e-5)


def test_a_line_search_may_be_in_lanes():
    ascent = of_a_fit(ASKING["backtracking"])
    batches = jnp.stack([BATCH, 9 - 5 * BATCH])

    def params_after(batch):
        return ascent.step(ascent.init(KEY), batch)[0].params

    together = jax.jit(jax.vmap(params_after))(batches)
    for lane, batch in enumerate(batches):
        alone = jax.jit(params_after)(batch)
        assert_close(jax.tree.map(lambda leaf, lane=lane: leaf[lane], together), alone, rtol=1e-4, atol=1e-5)


# Where parameters are evaluated


def test_lookahead_moves_a_pair_and_its_slow_copy_is_evaluated():
    optimizer = optax.lookahead(optax.adam(0.1), sync_period=3, slow_step_size=0.5)

    pair = optax.LookaheadParams.init_synced(START)
    state = optimizer.init(pair)
    for _ in range(5):
        updates, state = optimizer.update(jax.grad(loss)(pair.fast), state, pair)
        pair = optax.apply_updates(pair, updates)
    state = after_steps(of_a_fit(optimizer), 5)
    assert_close(state.params, pair.fast)
    assert_close(params_to_evaluate(state), pair.slow)
    assert moved(pair.slow) > 0.1


@pytest.mark.parametrize(
    "wrap", [lambda optimizer: optimizer, lambda optimizer: optax.chain(optax.clip(10.0), optimizer)]
)
def test_schedule_free_is_evaluated_at_its_average(wrap):
    free = wrap(contrib.schedule_free_sgd(0.05))
    params, opt_state = by_hand(free, 5)
    state = after_steps(of_a_fit(free), 5)
    own = opt_state if isinstance(opt_state, contrib.ScheduleFreeState) else opt_state[1]
    expected = contrib.schedule_free_eval_params(own, params)
    assert_close(state.params, params)
    assert_close(params_to_evaluate(state), expected)
    assert float(jnp.abs(expected["loc"] - params["loc"]).max()) > 0.01


def test_sam_is_evaluated_where_it_looks_around_from():
    ascent = of_a_fit(contrib.sam(*SAM, sync_period=2))
    states = states_of(ascent, 3)
    for at, away in ((0, 1), (2, 3)):
        assert_close(params_to_evaluate(states[at]), states[at].params)
        assert_close(params_to_evaluate(states[away]), states[at].params)
        np.testing.assert_allclose(optax.tree.norm(optax.tree.sub(states[away].params, states[at].params)), 0.1, 1e-4)


def test_an_average_is_one_of_what_is_evaluated():
    free = contrib.schedule_free_sgd(0.05)
    average = START
    for state in states_of(of_a_fit(free), 3)[1:]:
        average = jax.tree.map(lambda old, new: 0.5 * old + 0.5 * new, average, params_to_evaluate(state))
    state = after_steps(of_a_fit(free, average_decay=0.5), 3)
    assert_close(params_to_evaluate(state), average)


def test_of_two_players_the_model_alone_is_evaluated():
    """Each optimizer moves its own player; the discriminator's says nothing of where the model is evaluated."""

    def both(optimizer, other):
        return adversarial_trainer(
            Model(lambda key: jnp.ones(3), lambda w: w),
            lambda key, w, d, batch, step: (-jnp.square(batch - w).sum(1) + d(w), {}),
            optimizer,
            discriminator=Network(lambda key: jnp.ones(()), lambda d, code: d * code.sum()),
            discriminator_objective=lambda key, w, d, batch, step: (-jnp.square(d(w) - batch.sum(1)), {}),
            discriminator_optimizer=other,
        )

    free = contrib.schedule_free_sgd(0.05)
    state = after_steps(both(optax.polyak_sgd(0.1), free), 3)
    assert params_to_evaluate(state) is state.params
    state = after_steps(both(free, optax.polyak_sgd(0.1)), 3)
    assert_close(params_to_evaluate(state), contrib.schedule_free_eval_params(state.opt_state.model, state.params))


# What cannot work


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            contrib.differentially_private_aggregate(1.0, 0.1, jax.random.key(0)),
            "expected an optimizer of the mean gradient of a batch; got differentially_private_aggregate, which needs "
            "the gradient of each example; write a step of your own for it",
        ),
        (
            optax.chain(optax.clip(1.0), optax.lookahead(optax.sgd(0.1), 2, 0.5)),
            "expected lookahead around all other transformations; got it inside one; "
            "write optax.lookahead(optax.chain(...), ...)",
        ),
        (
            contrib.sam(contrib.schedule_free_sgd(0.1), optax.sgd(0.1)),
            "expected at most one optimizer whose parameters are evaluated apart; got sam and schedule_free; "
            "take one of them",
        ),
        (
            optax.masked(contrib.schedule_free_sgd(0.1), {"loc": True, "log_scale": False}),
            "expected schedule_free of all parameters, which it says where to evaluate; got it of a part, or of their "
            "flat form; wrap it around the whole optimizer",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_name(optimizer, message):
    with pytest.raises(ValueError) as error:
        of_a_fit(optimizer).init(KEY)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "optimizer",
    [optax.lookahead(optax.sgd(0.1), 2, 0.5), contrib.sam(*SAM), optax.lbfgs(), contrib.cocob(), contrib.dog()],
)
def test_no_array_stands_twice_in_a_state(optimizer):
    """A step that is given the state to overwrite could not tell them apart."""
    leaves = jax.tree.leaves(of_a_fit(optimizer).init(KEY))
    assert len({id(leaf) for leaf in leaves}) == len(leaves)
