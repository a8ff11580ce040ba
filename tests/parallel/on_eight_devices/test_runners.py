"""One step, three runners: the gradient, the metrics and the state of one device."""

import functools
import itertools
import re

import jax
import numpy as np
import optax
import pytest
from eight import BATCH, FLAT, OBJECTIVES, OPTIMIZER, RUNNERS, alone, by_pmap, by_shard_map, by_sharding, first_copy
from jax.sharding import PartitionSpec
from tables import long_but

from vae_jax.objectives import beta_tcvae, over_batch, separable
from vae_jax.training import trainer
from vae_jax.untrained import trained_part


@functools.cache
def one_step_alone(objective):
    state, step = alone(*OBJECTIVES[objective], OPTIMIZER)
    return state, *step(state, BATCH)


def moved(after, before):
    return jax.tree.map(
        lambda a, b: np.asarray(a) - np.asarray(b), trained_part(after.params), trained_part(before.params)
    )


# One that couples its batch and one that remembers meet all runners, the others the one that knows least of the rest.
@pytest.mark.parametrize(
    ("objective", "runner"),
    long_but(
        [(objective, runner) for objective in OBJECTIVES for runner in RUNNERS if runner != "shard_map, unchecked"]
        + [(objective, "shard_map, unchecked") for objective in ("elbo", "beta_tcvae")],
        *[("beta_tcvae", runner) for runner in RUNNERS],
        *[("remembering", runner) for runner in ("sharding", "pmap")],
        *[(objective, "shard_map") for objective in OBJECTIVES if objective not in ("iwae", "scheduled beta_tcvae")],
    ),
)
def test_the_gradient_is_that_of_one_device(objective, runner):
    before, expected, expected_metrics = one_step_alone(objective)
    state, step = RUNNERS[runner](*OBJECTIVES[objective], OPTIMIZER)
    after, metrics = step(state, BATCH)
    after, metrics = first_copy(after, runner), first_copy(metrics, runner)
    for name, gradient in moved(expected, before).items():
        if gradient is None:
            continue
        scale = np.abs(gradient).max()
        assert scale > 1e-3, name
        np.testing.assert_allclose(moved(after, before)[name], gradient, atol=1e-10 * max(scale, 1.0), err_msg=name)
    for name, value in expected_metrics.items():
        np.testing.assert_allclose(metrics[name], value, rtol=1e-10, atol=1e-10, err_msg=name)
    what_no_gradient_trains = lambda state: jax.tree.leaves((state.objective_state, state.params.get("codes")))
    for leaf, other in zip(*map(what_no_gradient_trains, (after, expected)), strict=True):
        np.testing.assert_allclose(leaf, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("objective", long_but(["elbo", "beta_tcvae", "remembering"], "beta_tcvae"))
def test_explicit_axes_are_the_compiler_s_inside_a_step(objective):
    """As `jax.make_mesh` makes them by default: under `jax.set_mesh` and without it; the state lies as before."""
    before, expected, expected_metrics = one_step_alone(objective)
    mesh = jax.make_mesh((8,), ("data",))
    assert mesh.axis_types == (jax.sharding.AxisType.Explicit,)
    everywhere, in_shares = (jax.NamedSharding(mesh, spec) for spec in (PartitionSpec(), PartitionSpec("data")))
    one = trainer(*OBJECTIVES[objective], OPTIMIZER)
    placed = jax.device_put(before, everywhere), jax.device_put(BATCH, in_shares)
    with jax.set_mesh(mesh):
        within = jax.jit(one.step)(*placed)
    for after, metrics in (within, jax.jit(one.step)(*placed)):
        for leaf, other in zip(*map(jax.tree.leaves, (after.params, expected.params)), strict=True):
            assert leaf.sharding.is_fully_replicated
            np.testing.assert_allclose(leaf, other, atol=1e-10)
        np.testing.assert_allclose(metrics["value"], expected_metrics["value"], rtol=1e-10)


@pytest.mark.parametrize("runner", long_but(RUNNERS, "sharding"))
def test_fifty_steps_end_at_the_same_parameters(runner):
    objective = OBJECTIVES["elbo"]
    batches = np.random.default_rng(1).normal(size=(50, *BATCH.shape)).astype(np.float32)
    state, step = alone(*objective, optax.adam(1e-3))
    spread, spread_step = RUNNERS[runner](*objective, optax.adam(1e-3))
    for batch in batches:
        state, _ = step(state, batch)
        spread, _ = spread_step(spread, batch)
    spread = first_copy(spread, runner)
    for name, expected in state.params.items():
        np.testing.assert_allclose(spread.params[name], expected, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("runner", long_but(RUNNERS, "sharding", "shard_map"))
def test_a_line_search_sees_the_mean_over_the_devices(runner):
    """Value and slope along the line, taken inside the optimizer, are those of the whole batch."""
    search = optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(6, store_grad=True))
    state, step = alone(*OBJECTIVES["elbo"], search)
    spread, spread_step = RUNNERS[runner](*OBJECTIVES["elbo"], search)
    expected, _ = step(state, BATCH)
    after = first_copy(spread_step(spread, BATCH)[0], runner)
    for name, params in expected.params.items():
        np.testing.assert_allclose(after.params[name], params, atol=1e-10, err_msg=name)
    line, own = (optax.tree.get(each.opt_state, "ScaleByBacktrackingLinesearchState") for each in (expected, after))
    for leaf, other in zip(jax.tree.leaves(own), jax.tree.leaves(line), strict=True):
        np.testing.assert_allclose(leaf, other, atol=1e-10)


def test_a_share_without_its_axis_is_not_the_whole():
    """What the statement is for: each device alone would estimate the aggregate from its own two codes."""
    _, expected, _ = one_step_alone("beta_tcvae")
    of_share = functools.partial(beta_tcvae, num_examples=100, beta=6.0)
    hidden = lambda key, vae, batch, step: of_share(key if key.ndim == 0 else key[0], vae, batch, step)
    state, step = by_pmap(FLAT, separable(lambda *batch: hidden(*batch)), OPTIMIZER)
    after = first_copy(step(state, BATCH)[0], "pmap")
    assert np.abs(after.params["encoder"] - expected.params["encoder"]).max() > 1e-2
    for runner in (by_pmap, by_shard_map):
        with pytest.raises(
            ValueError, match="states whether it couples its examples, for a batch over the axis 'data'"
        ):
            runner(FLAT, hidden, OPTIMIZER)
    state, step = by_sharding(FLAT, hidden, OPTIMIZER)
    after, _ = step(state, BATCH)
    np.testing.assert_allclose(after.params["encoder"], expected.params["encoder"], atol=1e-10)


def test_the_only_exchange_is_one_sum_of_the_gradient_and_the_metrics():
    """In the compiled program: a single all-reduce, of no more numbers than these are, and nothing else."""
    state, step = by_sharding(FLAT, OBJECTIVES["elbo"][1], optax.adam(1e-3))
    program = step.lower(state, BATCH).compile().as_text()
    exchanges = re.findall(r"= (.*?) (all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)\(", program)
    ((shapes, kind),) = exchanges
    assert kind == "all-reduce"
    sizes = [np.prod([int(n) for n in shape.split(",") if n]) for shape in re.findall(r"f64\[([\d,]*)\]", shapes)]
    num_metrics = 3  # value, log-likelihood, KL; the gradient's norm is of the sum
    assert num_metrics < sum(sizes) <= sum(leaf.size for leaf in jax.tree.leaves(state.params)) + num_metrics


@pytest.mark.parametrize(
    ("objective", "num_parts"),
    long_but(itertools.product(("elbo", "iwae", "ladder"), (2, 4)), ("elbo", 4), ("ladder", 2)),
)
def test_a_batch_in_parts_is_the_same_step(objective, num_parts):
    before, expected, expected_metrics = one_step_alone(objective)
    in_parts = trainer(*OBJECTIVES[objective], OPTIMIZER, num_parts=num_parts)
    after, metrics = jax.jit(in_parts.step)(before, BATCH)
    for name, gradient in moved(expected, before).items():
        np.testing.assert_allclose(moved(after, before)[name], gradient, atol=1e-10, err_msg=name)
    np.testing.assert_allclose(metrics["value"], expected_metrics["value"], rtol=1e-10)


def test_parts_of_shares_are_the_same_step():
    model, objective = OBJECTIVES["elbo"]
    before, expected, _ = one_step_alone("elbo")
    step = jax.pmap(trainer(model, objective, OPTIMIZER, axis_name="data", num_parts=2).step, axis_name="data")
    states = jax.tree.map(lambda leaf: np.stack([leaf] * 4), before._replace(key=jax.random.key_data(before.key)))
    states = states._replace(key=jax.random.wrap_key_data(states.key))
    after = first_copy(step(states, BATCH.reshape(4, 4, -1))[0], "pmap")
    for name, gradient in moved(expected, before).items():
        np.testing.assert_allclose(moved(after, before)[name], gradient, atol=1e-10, err_msg=name)


def test_over_batch_takes_a_key_for_each_example():
    objective = over_batch(lambda key, vae, x: (jax.random.normal(key), {}))
    key = jax.random.key(0)
    np.testing.assert_array_equal(
        objective(key, None, BATCH, 0)[0], objective(jax.random.split(key, len(BATCH)), None, BATCH, 0)[0]
    )
