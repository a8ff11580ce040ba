"""From one example to a batch: keys, schedules, and hyper-parameters that are tracers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.objectives import autoencoder, elbo, iwae, over_batch, sampled_kl

KEY = jax.random.key(0)


@pytest.fixture
def vae(linear_gaussian):
    return linear_gaussian.bind(linear_gaussian.wrong())


@pytest.fixture
def batch(examples):
    return jnp.asarray(examples, jnp.float32)


def of_elbo(vae, batch):
    return jax.jit(lambda batch: over_batch(elbo)(KEY, vae, batch, 0))(batch)


@pytest.mark.parametrize(
    "objective",
    [elbo, functools.partial(elbo, kl=sampled_kl, num_samples=3), functools.partial(iwae, num_samples=5), autoencoder],
)
def test_is_a_loop_over_examples_with_the_split_keys(vae, batch, objective):
    of_batch = jax.jit(lambda batch: over_batch(objective)(KEY, vae, batch, 0))
    of_one = jax.jit(lambda key, x: objective(key, vae, x))
    values, metrics = of_batch(batch)
    one_by_one = [of_one(key, x) for key, x in zip(jax.random.split(KEY, len(batch)), batch, strict=True)]
    expected = jax.tree.map(lambda *rows: np.stack(rows), *one_by_one)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), (values, metrics), expected)
    assert values.shape == (len(batch),)
    same_example, _ = of_batch(np.repeat(batch[:1], 4, axis=0))
    assert len(np.unique(same_example)) == 4  # every place in the batch has noise of its own


def test_a_batch_may_be_a_pytree(vae, batch):
    def of_pair(key, vae, pair):
        return elbo(key, vae, pair["x"] + pair["shift"])

    shift = jnp.arange(4.0)
    values, _ = jax.jit(lambda pair: over_batch(of_pair)(KEY, vae, pair, 0))({"shift": shift, "x": batch})
    np.testing.assert_allclose(values, of_elbo(vae, batch + shift[:, None])[0], rtol=1e-6)


def test_schedules_reach_the_objective(vae, batch):
    """At every step; the step is traced."""
    scheduled = over_batch(elbo, beta=optax.linear_schedule(0.0, 1.0, 10))
    compiled = jax.jit(lambda step: scheduled(KEY, vae, batch, step)[0])
    _, metrics = of_elbo(vae, batch)
    for step, beta in ((0, 0.0), (5, 0.5), (10, 1.0), (99, 1.0)):
        expected = metrics["log_likelihood"] - beta * metrics["kl"]
        np.testing.assert_allclose(compiled(step), expected, rtol=1e-5)
    assert not np.allclose(compiled(0), compiled(10), rtol=0.01)


def test_a_misspelt_schedule_is_refused():
    """When it is built, not when it runs; a name that resembles nothing gets no guess."""
    known = r"expected schedules for options of elbo \(beta, num_samples, kl, penalty, estimator\); got "
    with pytest.raises(TypeError, match=known + r"'betta'; did you mean 'beta'\?$"):
        over_batch(elbo, betta=optax.constant_schedule(1.0))
    with pytest.raises(TypeError, match=known + "'temperature'$"):
        over_batch(elbo, temperature=optax.constant_schedule(1.0))
    with pytest.raises(TypeError, match=r"options of iwae \(num_samples, estimator\); got 'beta'"):
        over_batch(iwae, beta=optax.constant_schedule(1.0))


def test_any_option_is_accepted_by_an_objective_that_takes_any(vae, batch):
    def open_ended(key, vae, x, **options):
        return options["weight"] * elbo(key, vae, x)[0], {}

    weighted = over_batch(open_ended, weight=lambda step: 2.0 * step)
    values, _ = jax.jit(lambda step: weighted(KEY, vae, batch, step))(3)
    np.testing.assert_allclose(values, 6 * of_elbo(vae, batch)[0], rtol=1e-6)


def test_beta_may_be_a_tracer(linear_gaussian, batch):
    """One program for all values: vmapped, jitted and differentiated (the derivative is −KL)."""
    x = batch[0]

    def bound(beta):
        return elbo(KEY, linear_gaussian.bind(linear_gaussian.wrong()), x, beta=beta)

    betas = jnp.array([0.0, 0.5, 1.0, 4.0])
    _, metrics = bound(1.0)  # an ordinary float outside of any trace
    expected = metrics["log_likelihood"] - np.asarray(betas) * metrics["kl"]
    compiled = jax.jit(bound)
    np.testing.assert_allclose([compiled(beta)[0] for beta in betas], expected, rtol=1e-5)
    np.testing.assert_allclose(jax.jit(jax.vmap(bound))(betas)[0], expected, rtol=1e-5)
    slope, _ = jax.jit(jax.grad(bound, has_aux=True))(1.0)
    np.testing.assert_allclose(slope, -metrics["kl"], rtol=1e-5)
    assert np.ptp(expected) > 1
