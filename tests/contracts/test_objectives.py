"""What every objective of one example must do: constructors x laws. A new one enters by one line in `OBJECTIVES`."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Bernoulli, Normal
from vae_jax.objectives import (
    analytic_kl_per_dimension,
    autoencoder,
    capacity,
    ciwae,
    doubly_reparametrised,
    elbo,
    free_bits,
    iwae,
    leave_one_out,
    miwae,
    over_batch,
    piwae,
    renyi,
    sampled_kl,
    score_function,
    sticking_the_landing,
    tvo,
    vr_max,
)
from vae_jax.vae import VAE

KEY = jax.random.key(0)
DATA_SIZE, LATENT_SIZE = 3, 2


class Case(NamedTuple):
    """An objective of one example, the names and some values of its float options, and what holds of it."""

    of: Callable[..., Any]
    floats: dict[str, tuple[float, ...]] = {}
    is_a_value_of_samples: bool = False
    """Whether it is at least the smallest and at most the greatest log-weight of its samples."""


many = {"num_samples": 4}
sampled = partial(elbo, kl=sampled_kl, **many)
OBJECTIVES = {
    "elbo": Case(elbo, {"beta": (0.0, 1.0, 4.0)}),
    "elbo, sampled": Case(sampled, {"beta": (0.5, 1.0)}, True),
    "elbo, stl": Case(partial(sampled, estimator=sticking_the_landing), {"beta": (0.5, 1.0)}, True),
    "elbo, dreg": Case(partial(sampled, estimator=doubly_reparametrised), {"beta": (0.5, 1.0)}, True),
    "elbo, score": Case(partial(elbo, estimator=score_function), {"beta": (0.5, 1.0)}),
    "elbo, leave one out": Case(partial(elbo, estimator=leave_one_out, **many), {"beta": (0.5, 1.0)}),
    "elbo, capacity": Case(lambda *args, target=0.2: elbo(*args, penalty=capacity(target)), {"target": (0.0, 0.2)}),
    "elbo, free bits": Case(
        lambda *args, nats=0.1: elbo(*args, kl=analytic_kl_per_dimension, penalty=free_bits(nats)),
        {"nats": (0.0, 0.1, 2.0)},
    ),
    "autoencoder": Case(autoencoder),
    "iwae": Case(partial(iwae, **many), {}, True),
    "iwae, dreg": Case(partial(iwae, estimator=doubly_reparametrised, **many), {}, True),
    "iwae, score": Case(partial(iwae, estimator=score_function, **many), {}, True),
    "iwae, leave one out": Case(partial(iwae, estimator=leave_one_out, **many), {}, True),
    "miwae": Case(partial(miwae, num_groups=2, num_samples=2), {}, True),
    "piwae": Case(partial(piwae, num_groups=2, num_samples=2), {}, True),
    "ciwae": Case(lambda *args, beta=0.3: ciwae(*args, beta=beta, **many), {"beta": (0.0, 0.3, 1.0)}, True),
    "renyi": Case(lambda *args, alpha=0.5: renyi(*args, alpha=alpha, **many), {"alpha": (-3.0, 0.0, 1.0, 5.0)}, True),
    "renyi, dreg": Case(
        lambda *args, alpha=0.5: renyi(*args, alpha=alpha, estimator=doubly_reparametrised, **many),
        {"alpha": (-3.0, 0.0, 1.0, 5.0)},
        True,
    ),
    "vr_max": Case(partial(vr_max, **many), {}, True),
    "tvo": Case(
        lambda *args, smallest_beta=0.1: tvo(*args, num_partitions=3, smallest_beta=smallest_beta, **many),
        {"smallest_beta": (0.02, 0.1, 0.9)},
        True,
    ),
}
objectives = pytest.mark.parametrize("case", OBJECTIVES.values(), ids=OBJECTIVES.keys())

PARAMS = {
    "encoder": jnp.array([[0.5, -0.2, 0.1], [0.0, 0.4, 0.3]]),
    "log_scale": jnp.array([-0.3, -0.6]),
    "decoder": jnp.array([[1.0, -0.5], [0.2, 0.8], [0.7, 0.1]]),
}
WRONG = {"encoder": jnp.full((2, 3), 3.0), "log_scale": jnp.array([-3.0, -3.0]), "decoder": jnp.full((3, 2), 5.0)}
BATCH = jnp.asarray(np.random.default_rng(0).normal(size=(5, DATA_SIZE)), jnp.float32)


def bind(params) -> VAE:
    return VAE(
        lambda x: Normal(params["encoder"] @ x, jnp.exp(params["log_scale"])),
        lambda z: Normal(params["decoder"] @ z, jnp.asarray(0.8, z.dtype)),
        Normal(jnp.zeros(LATENT_SIZE), jnp.ones(LATENT_SIZE)),
    )


def value_and_gradient(case, params, key, x):
    def value(params):
        return case.of(key, bind(params), x)

    (value, metrics), gradient = jax.value_and_grad(value, has_aux=True)(params)
    return value, metrics, gradient


def compiled(case):
    return jax.jit(partial(value_and_gradient, case))


def assert_close(actual, expected, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), actual, expected)


@objectives
def test_it_is_one_finite_number_with_metrics_and_a_gradient(case):
    value, metrics, gradient = jax.tree.map(np.asarray, compiled(case)(PARAMS, KEY, BATCH[0]))
    assert value.shape == ()
    assert value.dtype == np.float32
    assert (
        {"log_likelihood"}
        <= set(metrics)
        <= {
            "log_likelihood",
            "kl",
            "effective_sample_size",
            "upper_bound",
        }
    )
    for number in (value, *metrics.values(), *jax.tree.leaves(gradient)):
        assert np.isfinite(number).all()
    assert all(metric.shape == () for metric in metrics.values())
    assert np.abs(gradient["decoder"]).max() > 0.01


@objectives
def test_jit_equals_eager(case):
    eager = case.of(KEY, bind(PARAMS), BATCH[0])
    assert_close(compiled(case)(PARAMS, KEY, BATCH[0])[:2], eager, rtol=1e-5, atol=1e-6)


@objectives
def test_a_batch_is_a_loop(case):
    """In value, metrics and gradient, each example with its own key."""
    keys = jax.random.split(KEY, len(BATCH))
    together = jax.jit(jax.vmap(partial(value_and_gradient, case), in_axes=(None, 0, 0)))(PARAMS, keys, BATCH)
    of_one = compiled(case)
    alone = [of_one(PARAMS, key, x) for key, x in zip(keys, BATCH, strict=True)]
    assert_close(together, jax.tree.map(lambda *rows: np.stack(rows), *alone), rtol=1e-4, atol=1e-5)
    lifted = jax.jit(lambda params: over_batch(lambda *args: case.of(*args))(KEY, bind(params), BATCH, 0))(PARAMS)
    assert_close(lifted, together[:2], rtol=1e-5, atol=1e-5)


@objectives
def test_higher_is_better(case):
    """A model that explains the data has a higher value than one that does not, for every example."""
    of_batch = jax.jit(lambda params: over_batch(lambda *args: case.of(*args))(KEY, bind(params), BATCH, 0)[0])
    assert (of_batch(PARAMS) > of_batch(WRONG) + 1).all()


@objectives
def test_a_step_along_the_gradient_goes_up(case):
    """In expectation, from 2,000 keys: the mean of the gradients is a direction of ascent of the mean value."""
    keys = jax.random.split(KEY, 2_000)

    @jax.jit
    def mean(params):
        values, _, gradients = jax.vmap(lambda key: value_and_gradient(case, params, key, BATCH[0]))(keys)
        return values.mean(), jax.tree.map(lambda gradient: gradient.mean(axis=0), gradients)

    value, gradient = mean(PARAMS)
    step = 0.02 / np.sqrt(sum(np.square(leaf).sum() for leaf in jax.tree.leaves(gradient)))
    after, _ = mean(jax.tree.map(lambda leaf, slope: leaf + step * slope, PARAMS, gradient))
    assert after > value


@objectives
def test_the_value_lies_among_the_log_weights(case):
    """In nats: a generalised mean of log p(x, z) − log q(z|x) over z, which a shift of log p(x|z) shifts alike."""
    shift = 7.5

    class Shifted(NamedTuple):
        of: Normal

        def log_prob(self, value):
            return self.of.log_prob(value) + shift

    def shifted(params):
        vae = bind(params)
        return vae._replace(likelihood=lambda z: Shifted(vae.likelihood(z)))

    @jax.jit
    def both(params):
        return case.of(KEY, bind(params), BATCH[0]), case.of(KEY, shifted(params), BATCH[0])

    (value, metrics), (value_after, metrics_after) = both(PARAMS)
    np.testing.assert_allclose(value_after, value + shift, rtol=1e-5)
    np.testing.assert_allclose(metrics_after["log_likelihood"], metrics["log_likelihood"] + shift, rtol=1e-5)
    if "kl" in metrics:
        np.testing.assert_allclose(metrics_after["kl"], metrics["kl"], rtol=1e-5)


@objectives
def test_the_metrics_are_the_elbos(case):
    """Their expectations are those of the closed form: within 4.5 standard errors of 4,000 keys."""
    keys = jax.random.split(KEY, 4_000)
    metrics = jax.jit(jax.vmap(lambda key: case.of(key, bind(PARAMS), BATCH[0])[1]))(keys)
    vae = bind(PARAMS)
    q = vae.posterior(BATCH[0])
    expected = {
        "log_likelihood": vae.likelihood(q.loc).log_prob(BATCH[0])
        - jnp.sum((PARAMS["decoder"] * q.scale) ** 2) / (2 * 0.8**2),
        "kl": jnp.sum((q.scale**2 + q.loc**2 - 1) / 2 - jnp.log(q.scale)),
    }
    for name in expected.keys() & metrics.keys():
        of_each = np.asarray(metrics[name], float)
        error = of_each.std() / np.sqrt(len(of_each))
        assert abs(of_each.mean() - float(expected[name])) < 4.5 * error + 1e-5, name


WITH_FLOATS = {
    f"{name}: {option}": (case, option, values)
    for name, case in OBJECTIVES.items()
    for option, values in case.floats.items()
}


@pytest.mark.parametrize(("case", "option", "values"), WITH_FLOATS.values(), ids=WITH_FLOATS.keys())
def test_every_float_may_be_a_lane(case, option, values):
    """One compiled program over all its values, gradients included, equals one after the other."""

    def at(number):
        return value_and_gradient(case._replace(of=partial(case.of, **{option: number})), PARAMS, KEY, BATCH[0])

    together = jax.jit(jax.vmap(at))(jnp.asarray(values))
    one = jax.jit(at)
    expected = jax.tree.map(lambda *rows: np.stack(rows), *[one(number) for number in values])
    assert_close(together, expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(together[0]) > 1e-3


EXTREMES = {
    "far data": (PARAMS, 1e4 * BATCH[0]),
    "a narrow posterior": (PARAMS | {"log_scale": jnp.full(2, -15.0)}, BATCH[0]),
    "a wide posterior": (PARAMS | {"log_scale": jnp.full(2, 8.0)}, BATCH[0]),
    "a steep decoder": (PARAMS | {"decoder": jnp.full((3, 2), 1e4)}, BATCH[0]),
}


@objectives
def test_extremes_are_finite_with_finite_gradients(case):
    of = compiled(case)
    for name, (params, x) in EXTREMES.items():
        for leaf in jax.tree.leaves(of(params, KEY, x)):
            assert np.isfinite(leaf).all(), name


@objectives
def test_no_samples_are_refused(case):
    if not isinstance(case.of, partial) or case.of.func not in (elbo, iwae, vr_max):
        return
    with pytest.raises(ValueError, match=r"expected (num_samples of at least 1|at least 2 samples)"):
        case.of(KEY, bind(PARAMS), BATCH[0], num_samples=0)


DISCRETE = {name: case for name, case in OBJECTIVES.items() if any(word in name for word in ("score", "leave", "tvo"))}


@pytest.mark.parametrize("case", DISCRETE.values(), ids=DISCRETE.keys())
def test_a_discrete_posterior_is_trained(case):
    """Bits get a gradient, and a mean step along it goes up."""

    def of_bits(params) -> VAE:
        return VAE(
            lambda x: Bernoulli(params["encoder"] @ x),
            lambda z: Normal(params["decoder"] @ z, jnp.asarray(0.8)),
            Bernoulli(jnp.array([0.3, -0.2])),
        )

    params = {name: PARAMS[name] for name in ("encoder", "decoder")}

    @jax.jit
    def mean(params):
        def of_key(key):
            return jax.value_and_grad(lambda params: case.of(key, of_bits(params), BATCH[0])[0])(params)

        return jax.tree.map(lambda leaf: leaf.mean(axis=0), jax.vmap(of_key)(jax.random.split(KEY, 4_000)))

    value, gradient = mean(params)
    assert all(np.abs(leaf).max() > 1e-3 for leaf in jax.tree.leaves(gradient))
    encoder = params["encoder"] + 0.3 * gradient["encoder"] / jnp.linalg.norm(gradient["encoder"])
    after, _ = mean(params | {"encoder": encoder})
    assert after > value
