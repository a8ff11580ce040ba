"""Schedules and penalties of the KL: their values, that they may be tracers, and that `kl` stays the true one."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Normal, kl_divergence, kl_per_dimension, standard_normal
from vae_jax.objectives import (
    analytic_kl_per_dimension,
    capacity,
    cyclic,
    elbo,
    free_bits,
    linear_warm_up,
    over_batch,
    sampled_kl,
    sigmoid,
)
from vae_jax.vae import VAE

KEY = jax.random.key(0)
STEPS = np.arange(0, 400)


def evaluate(schedule) -> np.ndarray:
    return np.asarray(jax.jit(jax.vmap(schedule))(jnp.asarray(STEPS)))


def test_a_linear_warm_up_is_a_line_and_then_its_end():
    np.testing.assert_allclose(evaluate(linear_warm_up(100)), np.minimum(STEPS / 100, 1), rtol=1e-6)
    np.testing.assert_allclose(evaluate(linear_warm_up(80, 4.0, 1.0)), 4 - 3 * np.minimum(STEPS / 80, 1), rtol=1e-6)
    np.testing.assert_array_equal(evaluate(linear_warm_up(0, 0.0, 0.5)), 0.5)


def test_a_cycle_warms_up_and_stays():
    place = STEPS % 100 / 100
    np.testing.assert_allclose(evaluate(cyclic(100)), np.minimum(place / 0.5, 1), rtol=1e-6)
    np.testing.assert_allclose(evaluate(cyclic(100, 0.25, 1.0, 3.0)), 1 + 2 * np.minimum(place / 0.25, 1), rtol=1e-6)
    np.testing.assert_array_equal(evaluate(cyclic(100, 0.0)), 1.0)


def test_a_sigmoid_is_half_way_at_its_midpoint():
    expected = 1 + 3 / (1 + np.exp(-(STEPS - 150) / 20))
    np.testing.assert_allclose(evaluate(sigmoid(150, 20, 1.0, 4.0)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("schedule", "arguments"),
    [
        (linear_warm_up, [[50.0, 0.0, 0.0], [0.0, 1.0, 0.0], [2.0, 4.0, 1.0]]),
        (cyclic, [[50.0, 90.0, 7.0], [0.0, 0.5, 1.0], [0.0, 1.0, 2.0], [2.0, 4.0, 1.0]]),
        (sigmoid, [[50.0, 0.0, 3.0], [10.0, 1.0, 5.0], [0.0, 1.0, 0.0], [2.0, 4.0, 1.0]]),
    ],
)
def test_every_argument_of_a_schedule_may_be_a_tracer(schedule, arguments):
    lanes = jax.jit(jax.vmap(lambda *arguments: schedule(*arguments)(30)))(*map(jnp.asarray, arguments))
    alone = [schedule(*one)(30) for one in zip(*arguments, strict=True)]
    np.testing.assert_allclose(lanes, alone, rtol=1e-6)
    assert np.isfinite(lanes).all()


# Penalties

LOC = jnp.array([0.1, 1.5, 0.0, 0.7])


def a_vae(loc) -> VAE:
    return VAE(lambda x: Normal(loc, jnp.full(4, 0.9)), lambda z: Normal(z, jnp.asarray(1.0)), standard_normal(4))


def run(loc=LOC, **options):
    return elbo(KEY, a_vae(loc), jnp.ones(4), **options)


PARTS = np.asarray(kl_per_dimension(a_vae(LOC).posterior(None), standard_normal(4)), float)
PENALTIES = {
    "capacity, above": ({"penalty": capacity(0.5)}, PARTS.sum() - 0.5),
    "capacity, below": ({"penalty": capacity(9.0)}, 9.0 - PARTS.sum()),
    "free bits": ({"penalty": free_bits(0.2), "kl": analytic_kl_per_dimension}, np.maximum(PARTS, 0.2).sum()),
    "free bits of pairs": (
        {"penalty": free_bits(0.5, 2), "kl": analytic_kl_per_dimension},
        np.maximum(PARTS.reshape(2, 2).sum(axis=1), 0.5).sum(),
    ),
    "free bits of all": ({"penalty": free_bits(5.0)}, 5.0),
    "none": ({"kl": analytic_kl_per_dimension}, PARTS.sum()),
}


@pytest.mark.parametrize(("options", "expected"), PENALTIES.values(), ids=PENALTIES.keys())
def test_the_value_has_the_penalty_and_the_metric_the_true_kl(options, expected):
    value, metrics = jax.jit(lambda: run(beta=3.0, num_samples=2, **options))()
    np.testing.assert_allclose(
        metrics["kl"], kl_divergence(Normal(LOC, jnp.full(4, 0.9)), standard_normal(4)), rtol=1e-6
    )
    np.testing.assert_allclose(value, metrics["log_likelihood"] - 3 * expected, rtol=1e-6)


def test_free_bits_leave_what_is_below_the_floor_alone():
    """A dimension under it is pulled by the likelihood only; the others as without a floor."""

    def gradient(**options):
        return np.asarray(jax.jit(jax.grad(lambda loc: run(loc, kl=analytic_kl_per_dimension, **options)[0]))(LOC))

    floored, plain, unpenalised = gradient(penalty=free_bits(0.2)), gradient(), gradient(beta=0.0)
    is_below = PARTS < 0.2
    assert is_below.any()
    assert not is_below.all()
    np.testing.assert_allclose(floored, np.where(is_below, unpenalised, plain), rtol=1e-6)


def test_a_capacity_pulls_the_kl_from_either_side():
    """β (C − KL) below the capacity: the KL's gradient turns round."""

    def of_kl(target):
        gradient = jax.jit(jax.grad(lambda loc, target: run(loc, beta=2.0, penalty=capacity(target))[0]))
        return np.asarray(gradient(LOC, target) - jax.jit(jax.grad(lambda loc: run(loc, beta=0.0)[0]))(LOC))

    np.testing.assert_allclose(of_kl(0.1), -2 * LOC, rtol=1e-5)
    np.testing.assert_allclose(of_kl(50.0), 2 * LOC, rtol=1e-5)


@pytest.mark.parametrize("num_groups", [3, 0, 8])
def test_groups_of_unequal_size_are_refused(num_groups):
    with pytest.raises(ValueError, match=f"divides the 4 parts of the KL; got {num_groups}; change num_groups"):
        run(kl=analytic_kl_per_dimension, penalty=free_bits(0.1, num_groups))


def test_penalties_follow_schedules_and_may_be_tracers():
    """A capacity that grows with the step; floors and capacities as lanes."""
    target = linear_warm_up(10, 0.0, 4.0)
    objective = over_batch(partial(elbo, beta=2.0), penalty=lambda step: capacity(target(step)))
    values, metrics = jax.jit(jax.vmap(lambda step: objective(KEY, a_vae(LOC), jnp.ones((3, 4)), step)))(jnp.arange(12))
    expected = metrics["log_likelihood"] - 2 * np.abs(metrics["kl"] - 4 * np.minimum(np.arange(12) / 10, 1)[:, None])
    np.testing.assert_allclose(values, expected, rtol=1e-5)

    numbers = jnp.array([0.0, 0.2, 1.0])
    for penalty in (capacity, free_bits):
        lanes = jax.jit(jax.vmap(lambda number, of=penalty: run(penalty=of(number))[0]))(numbers)
        np.testing.assert_allclose(lanes, [run(penalty=penalty(float(number)))[0] for number in numbers], rtol=1e-5)


def test_a_sampled_kl_is_penalised_as_a_mean_over_the_draws():
    values = [run(kl=sampled_kl, num_samples=7, penalty=penalty) for penalty in (capacity(1.0), jnp.sum)]
    (value, metrics), _ = values
    np.testing.assert_allclose(value, metrics["log_likelihood"] - abs(metrics["kl"] - 1.0), rtol=1e-6)
