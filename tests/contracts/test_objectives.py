"""What every objective of one example must do: constructors x laws. A new one enters by one line in `OBJECTIVES`."""

import functools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tables import long_but

from vae_jax.distributions import Bernoulli, Mixture, Normal
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
    piwae,
    renyi,
    sampled_kl,
    score_function,
    sticking_the_landing,
    stratified_elbo,
    tvo,
    vr_max,
)
from vae_jax.vae import VAE

KEY = jax.random.key(0)
DATA_SIZE, LATENT_SIZE = 3, 2


class Case(NamedTuple):
    """An objective of one example, and values of its float options, of which the first is the one to test with."""

    of: Callable[..., Any]
    floats: dict[str, tuple[float, ...]] = {}  # noqa: RUF012 (never changed)


def of_one_component(vae):
    """The same VAE, its posterior a mixture of one, for an objective of mixtures."""
    stacked = lambda x: jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], vae.posterior(x))
    return vae._replace(posterior=lambda x: Mixture(jnp.zeros(1), stacked(x)))


many = {"num_samples": 4}
sampled = partial(elbo, kl=sampled_kl, **many)
OBJECTIVES = {
    "elbo": Case(elbo, {"beta": (1.0, 0.0, 4.0)}),
    "elbo, sampled": Case(sampled, {"beta": (1.0, 0.5)}),
    "elbo, stl": Case(partial(sampled, estimator=sticking_the_landing), {"beta": (1.0, 0.5)}),
    "elbo, dreg": Case(partial(sampled, estimator=doubly_reparametrised), {"beta": (1.0, 0.5)}),
    "elbo, score": Case(partial(elbo, estimator=score_function), {"beta": (1.0, 0.5)}),
    "elbo, leave one out": Case(partial(elbo, estimator=leave_one_out, **many), {"beta": (1.0, 0.5)}),
    "elbo, capacity": Case(lambda *args, target=0.2: elbo(*args, penalty=capacity(target)), {"target": (0.2, 0.0)}),
    "elbo, free bits": Case(
        lambda *args, nats=0.1: elbo(*args, kl=analytic_kl_per_dimension, penalty=free_bits(nats)),
        {"nats": (0.1, 2.0, 0.0)},
    ),
    "autoencoder": Case(autoencoder),
    "elbo, stratified": Case(
        lambda key, vae, x, **options: stratified_elbo(key, of_one_component(vae), x, **options), {"beta": (1.0, 0.5)}
    ),
    "iwae": Case(partial(iwae, **many)),
    "iwae, dreg": Case(partial(iwae, estimator=doubly_reparametrised, **many)),
    "iwae, score": Case(partial(iwae, estimator=score_function, **many)),
    "iwae, leave one out": Case(partial(iwae, estimator=leave_one_out, **many)),
    "miwae": Case(partial(miwae, num_groups=2, num_samples=2)),
    "piwae": Case(partial(piwae, num_groups=2, num_samples=2)),
    "ciwae": Case(lambda *args, beta=0.3: ciwae(*args, beta=beta, **many), {"beta": (0.3, 0.0, 1.0)}),
    "renyi": Case(lambda *args, alpha=0.5: renyi(*args, alpha=alpha, **many), {"alpha": (0.5, -3.0, 0.0, 1.0, 5.0)}),
    "renyi, dreg": Case(
        lambda *args, alpha=0.5: renyi(*args, alpha=alpha, estimator=doubly_reparametrised, **many),
        {"alpha": (0.5, -3.0, 0.0, 1.0, 5.0)},
    ),
    "vr_max": Case(partial(vr_max, **many)),
    "tvo": Case(
        lambda *args, smallest_beta=0.1: tvo(*args, num_partitions=3, smallest_beta=smallest_beta, **many),
        {"smallest_beta": (0.1, 0.02, 0.9)},
    ),
}
objectives = pytest.mark.parametrize("name", OBJECTIVES)
# JAX promises it of any function: a few show that none asks for what is not there under a trace.
some_objectives = pytest.mark.parametrize("name", long_but(OBJECTIVES, "elbo", "iwae, dreg", "renyi", "tvo"))

PARAMS = {
    "encoder": jnp.array([[0.5, -0.2, 0.1], [0.0, 0.4, 0.3]]),
    "log_scale": jnp.array([-0.3, -0.6]),
    "decoder": jnp.array([[1.0, -0.5], [0.2, 0.8], [0.7, 0.1]]),
    "shift": jnp.asarray(0.0),
}
TRAINED = ("encoder", "log_scale", "decoder")
WRONG = PARAMS | {
    "encoder": jnp.full((2, 3), 3.0),
    "log_scale": jnp.array([-3.0, -3.0]),
    "decoder": jnp.full((3, 2), 5.0),
}
BATCH = jnp.asarray(np.random.default_rng(0).normal(size=(5, DATA_SIZE)), jnp.float32)


NUM_LANES = 2_000


class Shifted(NamedTuple):
    """A likelihood that is larger by a factor, whose logarithm every bound must show."""

    of: Normal
    by: Any

    def log_prob(self, value):
        return self.of.log_prob(value) + self.by


def bind(params) -> VAE:
    return VAE(
        lambda x: Normal(params["encoder"] @ x, jnp.exp(params["log_scale"])),
        lambda z: Shifted(Normal(params["decoder"] @ z, jnp.asarray(0.8, z.dtype)), params["shift"]),
        Normal(jnp.zeros(LATENT_SIZE), jnp.ones(LATENT_SIZE)),
    )


def value_and_gradient(case, params, key, x, floats):
    """Value, metrics and gradient for one example: all that the laws below look at."""
    evaluate = lambda params: case.of(key, bind(params), x, **floats)
    (value, metrics), gradient = jax.value_and_grad(evaluate, has_aux=True)(params)
    return value, metrics, gradient


@functools.cache
def of_one(name):
    return jax.jit(partial(value_and_gradient, OBJECTIVES[name]))


@functools.cache
def of_many(name):
    """The same for `NUM_LANES` keys, examples and floats: one program for all laws, since compiling is what costs."""
    return jax.jit(jax.vmap(partial(value_and_gradient, OBJECTIVES[name]), in_axes=(None, 0, 0, 0)))


def defaults(name) -> dict[str, float]:
    return {option: values[0] for option, values in OBJECTIVES[name].floats.items()}


def lanes(name, *, x=None, **floats):
    """Keys, examples and floats: the batch over and over, unless told otherwise."""
    x = jnp.resize(BATCH, (NUM_LANES, DATA_SIZE)) if x is None else jnp.broadcast_to(x, (NUM_LANES, DATA_SIZE))
    floats = {option: jnp.resize(jnp.asarray(value), NUM_LANES) for option, value in (defaults(name) | floats).items()}
    return jax.random.split(KEY, NUM_LANES), x, floats


def assert_close(actual, expected, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), actual, expected)


@objectives
def test_it_is_one_finite_number_with_metrics_and_a_gradient(name):
    value, metrics, gradient = jax.tree.map(np.asarray, of_one(name)(PARAMS, KEY, BATCH[0], defaults(name)))
    assert value.shape == ()
    assert value.dtype == np.float32
    assert {"log_likelihood"} <= set(metrics) <= {"log_likelihood", "kl", "effective_sample_size", "upper_bound"}
    for number in (value, *metrics.values(), *jax.tree.leaves(gradient)):
        assert np.isfinite(number).all()
    assert all(metric.shape == () for metric in metrics.values())
    assert np.abs(gradient["decoder"]).max() > 0.01


@some_objectives
def test_jit_equals_eager(name):
    eager = OBJECTIVES[name].of(KEY, bind(PARAMS), BATCH[0], **defaults(name))
    assert_close(of_one(name)(PARAMS, KEY, BATCH[0], defaults(name))[:2], eager, rtol=1e-5, atol=1e-6)


@some_objectives
def test_vmap_equals_a_loop_over_keys_examples_and_floats(name):
    """In value, metrics and gradient. So every float may be a tracer, and a sweep one program."""
    case = OBJECTIVES[name]
    keys, x, floats = lanes(name, **{option: jnp.asarray(values) for option, values in case.floats.items()})
    together = of_many(name)(PARAMS, keys, x, floats)
    for lane in range(5):
        alone = of_one(name)(PARAMS, keys[lane], x[lane], {option: value[lane] for option, value in floats.items()})
        assert_close(jax.tree.map(lambda leaf, lane=lane: leaf[lane], together), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, case in OBJECTIVES.items() if case.floats])
def test_every_float_matters(name):
    for option, (first, second, *_) in OBJECTIVES[name].floats.items():
        values = [of_one(name)(PARAMS, KEY, BATCH[0], defaults(name) | {option: value})[0] for value in (first, second)]
        assert abs(values[0] - values[1]) > 1e-4


@objectives
def test_higher_is_better(name):
    """A model that explains the data has a higher value than one that does not, for every example."""
    right, wrong = (of_many(name)(params, *lanes(name))[0] for params in (PARAMS, WRONG))
    assert (right[: len(BATCH)] > wrong[: len(BATCH)] + 1).all()


@objectives
def test_a_step_along_the_gradient_goes_up(name):
    """In expectation, over 2,000 keys: the mean of the gradients is a direction of ascent of the mean value."""
    arguments = lanes(name, x=BATCH[0])
    values, _, gradients = of_many(name)(PARAMS, *arguments)
    gradient = jax.tree.map(lambda leaf: leaf.mean(axis=0), gradients)
    step = 0.02 / np.sqrt(sum(np.square(gradient[part]).sum() for part in TRAINED))
    stepped = PARAMS | {part: PARAMS[part] + step * gradient[part] for part in TRAINED}
    assert of_many(name)(stepped, *arguments)[0].mean() > values.mean()


@objectives
def test_a_likelier_example_has_a_higher_value_by_as_many_nats(name):
    """Of log p(x|z) + c every value is that of log p(x|z), and c: nats per example, not means over pixels."""
    (value, metrics, _), (after, metrics_after, _) = (
        of_one(name)(PARAMS | {"shift": jnp.asarray(shift)}, KEY, BATCH[0], defaults(name)) for shift in (0.0, 7.5)
    )
    np.testing.assert_allclose(after, value + 7.5, rtol=1e-5)
    np.testing.assert_allclose(metrics_after["log_likelihood"], metrics["log_likelihood"] + 7.5, rtol=1e-5)
    if "kl" in metrics:
        np.testing.assert_allclose(metrics_after["kl"], metrics["kl"], rtol=1e-5)


@objectives
def test_the_metrics_are_the_terms_of_the_elbo(name):
    """Their expectations are those of every objective: the closed form, within 4.5 standard errors of 2,000 keys."""
    _, metrics, _ = of_many(name)(PARAMS, *lanes(name, x=BATCH[0]))
    vae = bind(PARAMS)
    q = vae.posterior(BATCH[0])
    expected = {
        "log_likelihood": vae.likelihood(q.loc).log_prob(BATCH[0])
        - jnp.sum((PARAMS["decoder"] * q.scale) ** 2) / (2 * 0.8**2),
        "kl": jnp.sum((q.scale**2 + q.loc**2 - 1) / 2 - jnp.log(q.scale)),
    }
    for term in expected.keys() & metrics.keys():
        of_each = np.asarray(metrics[term], float)
        error = of_each.std() / np.sqrt(NUM_LANES)
        assert abs(of_each.mean() - float(expected[term])) < 4.5 * error + 1e-5, term


EXTREMES = {
    "far data": (PARAMS, 1e4 * BATCH[0]),
    "a narrow posterior": (PARAMS | {"log_scale": jnp.full(2, -15.0)}, BATCH[0]),
    "a wide posterior": (PARAMS | {"log_scale": jnp.full(2, 8.0)}, BATCH[0]),
    "a steep decoder": (PARAMS | {"decoder": jnp.full((3, 2), 1e4)}, BATCH[0]),
}


@objectives
def test_extremes_are_finite_with_finite_gradients(name):
    for extreme, (params, x) in EXTREMES.items():
        for leaf in jax.tree.leaves(of_one(name)(params, KEY, x, defaults(name))):
            assert np.isfinite(leaf).all(), extreme


@pytest.mark.parametrize("of", [elbo, iwae, vr_max, partial(miwae, num_groups=1), partial(piwae, num_groups=1)])
def test_no_samples_are_refused(of):
    with pytest.raises(ValueError, match="expected num_samples of at least 1; got 0"):
        of(KEY, bind(PARAMS), BATCH[0], num_samples=0)


DISCRETE = [name for name in OBJECTIVES if any(word in name for word in ("score", "leave one out", "tvo"))]


@pytest.mark.parametrize("name", DISCRETE)
def test_a_discrete_posterior_is_trained(name):
    """Bits get a gradient, and a mean step along it goes up."""

    def of_bits(params) -> VAE:
        return VAE(
            lambda x: Bernoulli(params["encoder"] @ x),
            lambda z: Normal(params["decoder"] @ z, jnp.asarray(0.8)),
            Bernoulli(jnp.array([0.3, -0.2])),
        )

    @jax.jit
    def mean(params):
        def of_key(key):
            return jax.value_and_grad(lambda params: OBJECTIVES[name].of(key, of_bits(params), BATCH[0])[0])(params)

        return jax.tree.map(lambda leaf: leaf.mean(axis=0), jax.vmap(of_key)(jax.random.split(KEY, 4_000)))

    params = {part: PARAMS[part] for part in ("encoder", "decoder")}
    value, gradient = mean(params)
    assert all(np.abs(leaf).max() > 1e-3 for leaf in jax.tree.leaves(gradient))
    encoder = params["encoder"] + 0.3 * gradient["encoder"] / jnp.linalg.norm(gradient["encoder"])
    after, _ = mean(params | {"encoder": encoder})
    assert after > value


class OneOfTwo(NamedTuple):
    """A likelihood of one number or another, by the sign of what z holds first."""

    above: Any
    below: Any
    slope: Any
    z: Any

    def log_prob(self, value):
        return jnp.where(self.z[0] > 0, self.above, self.below) + self.slope * self.z.sum()


ENDS = [(-np.inf, -1.0), (-np.inf, -np.inf), (1e30, -1e30), (1e4, -1e4), (-1e30, 0.0), (1e-30, -1e-30)]
"""What the likelihood of a draw may be."""


def of_ends(name):
    def value_at(params, key, ends, floats):
        vae = VAE(
            lambda x: Normal(params["loc"], jnp.exp(params["log_scale"])),
            lambda z: OneOfTwo(*ends, params["slope"], z),
            Normal(jnp.zeros(2), jnp.ones(2)),
        )
        return OBJECTIVES[name].of(key, vae, jnp.zeros(1), **floats)

    return jax.jit(jax.vmap(jax.value_and_grad(value_at, has_aux=True), in_axes=(None, 0, 0, 0)))


@objectives
def test_weights_that_vanish_or_overflow_make_no_nan(name):
    """Nor in metrics and gradient: some or all draws cannot make x, or one outweighs all others."""
    params = {"loc": jnp.array([0.1, -0.2]), "log_scale": jnp.array([-0.3, 0.2]), "slope": jnp.asarray(0.1)}
    case, keys = OBJECTIVES[name], jax.random.split(KEY, 8 * len(ENDS))
    ends = [jnp.tile(jnp.asarray(column, jnp.float32), 8) for column in zip(*ENDS, strict=True)]
    evaluate = of_ends(name)
    for chosen in [{option: value} for option, values in case.floats.items() for value in values] or [{}]:
        floats = {option: jnp.full(len(keys), value) for option, value in (defaults(name) | chosen).items()}
        result = evaluate(params, keys, ends, floats)
        assert not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(result))
