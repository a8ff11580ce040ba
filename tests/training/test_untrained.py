"""What no gradient trains: against recursions by hand, under every way to take a step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.distributions import Normal, standard_normal
from vae_jax.models import with_learned_normal_prior
from vae_jax.objectives import coupled, elbo, over_batch, separable
from vae_jax.training import params_to_evaluate, trainer
from vae_jax.training.advance import abstract_start, advance, start
from vae_jax.training.checkpoint import Checkpoints, Record
from vae_jax.untrained import Untrained, trained_part, with_trained_part
from vae_jax.vae import VAE, Model

KEY = jax.random.key(3)
BATCHES = np.random.default_rng(2).normal(1.0, 2.0, size=(5, 6, 2)).astype(np.float32)


def init(key):
    statistics = {"count": jnp.zeros((), jnp.int32), "mean": jnp.zeros(2), "square": jnp.ones(2)}
    return {"weight": jnp.ones(2), "codes": Untrained(statistics)}


def bind(params):
    """Codes are normalised by what has been seen of them before."""
    seen = params["codes"].value
    scale = jnp.sqrt(seen["square"] - jnp.square(seen["mean"]) + 1e-3)
    return VAE(
        lambda x: Normal((params["weight"] * x - seen["mean"]) / scale, jnp.full(2, 0.5)),
        lambda z: Normal(z * scale + seen["mean"], jnp.asarray(1.0)),
        standard_normal(2),
    )


def after(params, seen):
    """Running moments of the codes."""
    old, codes = params["codes"].value, seen["code"]
    moments = {"mean": codes.mean(axis=0), "square": jnp.square(codes).mean(axis=0)}
    moved = {name: 0.8 * old[name] + 0.2 * moment for name, moment in moments.items()}
    return params | {"codes": Untrained(moved | {"count": old["count"] + len(codes)})}


def seeing(key, vae, x):
    """The ELBO, and the code of the example as it was before it was normalised."""
    value, metrics = elbo(key, vae, x)
    return value, metrics, {"code": vae.likelihood(vae.posterior(x).mean()).mean()}


MODEL, OBJECTIVE = Model(init, bind, after), over_batch(seeing)


def statistics(params):
    return params["codes"].value


@pytest.mark.parametrize("num_parts", [1, 2, 3])
def test_running_moments_are_those_by_hand(num_parts):
    """Their batch is the whole one, also where its gradient is taken in parts."""
    ascent = trainer(MODEL, OBJECTIVE, optax.adam(0.1), num_parts=num_parts)
    state, one_step = ascent.init(KEY), jax.jit(ascent.step)
    mean, square = np.zeros(2), np.ones(2)
    for number, batch in enumerate(BATCHES):
        codes = np.asarray(state.params["weight"]) * batch
        state, _ = one_step(state, jnp.asarray(batch))
        mean, square = 0.8 * mean + 0.2 * codes.mean(axis=0), 0.8 * square + 0.2 * np.square(codes).mean(axis=0)
        np.testing.assert_allclose(statistics(state.params)["mean"], mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(statistics(state.params)["square"], square, rtol=1e-4)
        assert int(statistics(state.params)["count"]) == 6 * (number + 1)
    assert not np.allclose(state.params["weight"], 1.0)


def test_what_is_seen_in_parts_is_in_the_order_of_the_batch():
    keep = lambda params, seen: params | {"last": Untrained(seen["x"])}
    model = Model(lambda key: {"w": jnp.ones(()), "last": Untrained(jnp.zeros(6))}, lambda params: params["w"], keep)
    objective = separable(lambda key, w, batch, step: (-w * batch, {}, {"x": batch}))
    batch = jnp.arange(6.0)
    for num_parts in (1, 2, 3, 6):
        state, _ = jax.jit(
            lambda num=num_parts: (of := trainer(model, objective, optax.sgd(0.1), num_parts=num)).step(
                of.init(KEY), batch
            )
        )()
        np.testing.assert_array_equal(state.params["last"].value, batch)


@pytest.mark.parametrize(
    "optimizer", [optax.adam(0.1), optax.lookahead(optax.sgd(0.1), 2, 0.5), optax.contrib.schedule_free_sgd(0.1)]
)
def test_no_optimizer_sees_it(optimizer):
    """Its state has no entry of their shapes, and the parameters to evaluate have them as they are."""
    ascent = trainer(MODEL, OBJECTIVE, optimizer)
    state, _ = jax.jit(ascent.step)(ascent.init(KEY), jnp.asarray(BATCHES[0]))
    assert "codes" not in str([jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(state.opt_state)])
    to_evaluate = params_to_evaluate(state)
    assert jax.tree.structure(to_evaluate) == jax.tree.structure(state.params)
    np.testing.assert_array_equal(statistics(to_evaluate)["mean"], statistics(state.params)["mean"])


def test_weight_decay_leaves_it_alone():
    """Without `after` it is frozen: no gradient, no decay."""
    ascent = trainer(Model(init, bind), over_batch(elbo), optax.adamw(0.1, weight_decay=0.5))
    state, _ = jax.jit(ascent.step)(ascent.init(KEY), jnp.asarray(BATCHES[0]))
    np.testing.assert_array_equal(statistics(state.params)["square"], np.ones(2))
    assert not np.allclose(state.params["weight"], 1.0)


def test_a_skipped_step_leaves_it_as_it_was(assert_same_bits):
    ascent = trainer(MODEL, OBJECTIVE, optax.adam(0.1))
    state, _ = jax.jit(ascent.step)(ascent.init(KEY), jnp.asarray(BATCHES[0]))
    skipped, _ = jax.jit(ascent.step)(state, jnp.full((6, 2), jnp.nan))
    assert_same_bits(skipped.params, state.params)
    assert int(skipped.num_skipped) == 1


def test_the_average_has_it_too_and_of_whole_numbers_the_newest():
    ascent = trainer(MODEL, OBJECTIVE, optax.adam(0.1), average_decay=0.5)
    state, average = ascent.init(KEY), np.zeros(2)
    for batch in BATCHES:
        state, _ = jax.jit(ascent.step)(state, jnp.asarray(batch))
        average = 0.5 * average + 0.5 * np.asarray(statistics(state.params)["mean"])
    evaluated = statistics(params_to_evaluate(state))
    np.testing.assert_allclose(evaluated["mean"], average, rtol=1e-5)
    assert int(evaluated["count"]) == 30
    assert evaluated["count"].dtype == jnp.int32


def test_it_is_saved_and_resumed(tmp_path, tiny, assert_same_bits):
    feed = tiny.with_examples(tiny.examples[:, :2])
    ascent = trainer(MODEL, OBJECTIVE, optax.adam(0.1))
    run = advance(ascent, feed)
    whole, half = run(start(ascent, feed, KEY), iter(()), 6), run(start(ascent, feed, KEY), iter(()), 3)
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(3, half, Record(0, 3, 0, None))
    checkpoints.close()
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    restored, _ = checkpoints.restore_latest(abstract_start(ascent, feed, KEY))
    checkpoints.close()
    assert_same_bits(run(restored, iter(()), 3), whole)
    assert float(statistics(whole.state.params)["mean"][0]) != 0.0


def test_statistics_of_a_batch_by_a_coupled_objective():
    """Batch normalisation of the codes: by the batch's own moments in training, by the running ones afterwards."""

    @coupled
    def normalising(key, vae, batch, step, *, axis_name=None):
        codes = jax.vmap(lambda x: vae.likelihood(vae.posterior(x).mean()).mean())(batch)
        normalised = (codes - codes.mean(axis=0)) / codes.std(axis=0)
        return -jnp.square(normalised - 1.0).sum(axis=1), {}, {"code": codes}

    ascent = trainer(MODEL, normalising, optax.sgd(0.0))
    state, metrics = jax.jit(ascent.step)(ascent.init(KEY), jnp.asarray(BATCHES[0]))
    np.testing.assert_allclose(metrics["value"], -4.0, rtol=1e-5)  # of mean 0 and variance 1 in two dimensions
    np.testing.assert_allclose(statistics(state.params)["mean"], 0.2 * BATCHES[0].mean(axis=0), rtol=1e-4)


def test_a_model_with_a_prior_of_its_own_keeps_the_rule():
    """`with_*_prior` moves the part as it would move alone."""
    model = with_learned_normal_prior(MODEL)
    ascent = trainer(model, OBJECTIVE, optax.adam(0.1))
    state, _ = jax.jit(ascent.step)(ascent.init(KEY), jnp.asarray(BATCHES[0]))
    assert int(statistics(state.params["model"])["count"]) == 6


def test_the_rule_may_project_what_is_trained():
    """Weights of unit length behind every step."""
    unit = lambda params, seen: {"w": params["w"] / jnp.linalg.norm(params["w"])}
    model = Model(lambda key: {"w": jnp.array([0.6, 0.8])}, lambda params: params["w"], unit)
    ascent = trainer(model, lambda key, w, batch, step: (batch @ w, {}), optax.sgd(0.3))
    state, _ = jax.jit(ascent.step)(ascent.init(KEY), jnp.ones((4, 2)))
    np.testing.assert_allclose(state.params["w"], np.array([0.9, 1.1]) / np.hypot(0.9, 1.1), rtol=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda params, seen: {"weight": params["weight"]}, "expected `after` to give what it is given, moved; got"),
        (
            lambda params, seen: params | {"weight": params["weight"][:1]},
            r"keep shapes and types; got float32\[1\] in place of float32\[2\] at \['weight'\]",
        ),
        (lambda params, seen: params | {"weight": jnp.ones(2, jnp.int32)}, r"got int32\[2\] in place of float32\[2\]"),
    ],
)
def test_a_rule_that_changes_more_than_numbers_is_refused(wrong, words):
    ascent = trainer(Model(init, bind, wrong), OBJECTIVE, optax.adam(0.1))
    with pytest.raises(ValueError, match=words):
        jax.eval_shape(ascent.step, ascent.init(KEY), jnp.asarray(BATCHES[0]))


def test_what_is_seen_has_an_entry_for_each_example():
    summed = lambda key, vae, batch, step: (*OBJECTIVE(key, vae, batch, step)[:2], {"code": batch.sum(axis=0)})
    ascent = trainer(MODEL, summed, optax.adam(0.1))
    with pytest.raises(ValueError, match=r"a leading axis of the 6 examples; got shape \(2,\) at \['code'\]; leave"):
        jax.eval_shape(ascent.step, ascent.init(KEY), jnp.asarray(BATCHES[0]))


def test_the_parts_of_parameters_are_taken_apart_and_joined():
    params = {"a": jnp.ones(2), "b": [Untrained({"c": jnp.zeros(3)}), jnp.ones(1)]}
    trained = trained_part(params)
    assert [leaf.shape for leaf in jax.tree.leaves(trained)] == [(2,), (1,)]
    joined = with_trained_part(params, jax.tree.map(lambda leaf: 2 * leaf, trained))
    assert jax.tree.structure(joined) == jax.tree.structure(params)
    assert [leaf.tolist() for leaf in jax.tree.leaves(joined)] == [[2.0, 2.0], [0.0, 0.0, 0.0], [2.0]]
    plain = {"a": jnp.ones(2)}
    assert trained_part(plain) == plain
