"""What every objective of a whole batch must do: a table of objectives x laws, on the linear-Gaussian VAE."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vae_jax.distributions import PointMass
from vae_jax.objectives import (
    adversarial_autoencoder,
    autoencoder,
    beta_tcvae,
    covariance_of_codes,
    dip_vae,
    elbo,
    factor_vae,
    factor_vae_discriminator,
    gaussian_kernel,
    info_vae,
    inverse_multiquadric_kernel,
    maximum_mean_discrepancy,
    minibatch_weighted,
    over_batch,
    prior_discriminator,
    sampled_kl,
    scheduled,
    sliced_wasserstein,
    wae,
)

KEY = jax.random.key(0)
GAUSSIAN = functools.partial(gaussian_kernel, bandwidths=(0.5, 2.0))
MULTIQUADRIC = functools.partial(inverse_multiquadric_kernel, scales=(1.0, 4.0))
SLICED = functools.partial(sliced_wasserstein, num_projections=5)


def by(kernel):
    return lambda key, codes, prior: maximum_mean_discrepancy(codes, prior, kernel)


def discriminator(z):
    return jnp.sum(jnp.sin(2 * z)) + z[0]


def against(objective):
    """One player's objective, its opponent given."""

    @functools.wraps(objective)
    def of_batch(key, vae, batch, step, **options):
        return objective(key, vae, discriminator, batch, step, **options)

    return of_batch


# Each objective, and values of all its float options.
OBJECTIVES = {
    "β-TC, stratified": (beta_tcvae, {"num_examples": 90.0, "alpha": 0.5, "beta": 3.0, "gamma": 1.5}),
    "β-TC, weighted": (
        functools.partial(beta_tcvae, aggregate=minibatch_weighted),
        {"num_examples": 90.0, "beta": 3.0},
    ),
    "DIP I": (dip_vae, {"off_diagonal": 2.0, "diagonal": 3.0}),
    "DIP II": (
        functools.partial(dip_vae, covariance=covariance_of_codes, kl=sampled_kl),
        {"off_diagonal": 2.0, "diagonal": 3.0},
    ),
    "WAE-MMD": (functools.partial(wae, discrepancy=by(MULTIQUADRIC)), {"weight": 10.0}),
    "sliced WAE": (functools.partial(wae, discrepancy=SLICED), {"weight": 10.0}),
    "InfoVAE": (functools.partial(info_vae, discrepancy=by(GAUSSIAN)), {"alpha": 0.7, "weight": 10.0}),
    "FactorVAE": (against(factor_vae), {"gamma": 5.0}),
    "FactorVAE's discriminator": (against(factor_vae_discriminator), {}),
    "adversarial autoencoder": (against(adversarial_autoencoder), {"weight": 5.0}),
    "its discriminator": (against(prior_discriminator), {}),
}
table = pytest.mark.parametrize(("objective", "options"), OBJECTIVES.values(), ids=OBJECTIVES.keys())


@pytest.fixture(scope="module")
def batch(linear_gaussian):
    return jnp.asarray(linear_gaussian.marginal.rvs(6, random_state=1), jnp.float32)


@functools.cache
def compiled(name):
    """(linear-Gaussian model, its parameters, batch, options) -> gradient of the mean, (values, metrics)."""
    objective, _ = OBJECTIVES[name]

    def mean_and_values(params, bind, batch, options):
        values, metrics = objective(KEY, bind(params), batch, 3, **options)
        return values.mean(), (values, metrics)

    return jax.jit(jax.grad(mean_and_values, has_aux=True), static_argnums=1)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_it_is_a_value_and_metrics_for_each_example_with_a_finite_gradient(linear_gaussian, batch, name):
    """In float32, too, where the model is in bfloat16, or far from the data and almost without noise."""
    wrong, (_, options) = linear_gaussian.wrong(), OBJECTIVES[name]
    extreme = wrong | {"encoder": 1e3 * wrong["encoder"], "encoder_scale": jnp.array([1e-4, 1e3])}
    for params, data in (
        (wrong, batch),
        (extreme, batch),
        (wrong, 1e4 * batch),
        (linear_gaussian.wrong(jnp.bfloat16), batch.astype(jnp.bfloat16)),
    ):
        gradient, (values, metrics) = compiled(name)(params, linear_gaussian.bind, data, options)
        assert values.shape == (6,)
        assert values.dtype == jnp.float32
        for leaf in jax.tree.leaves((gradient, values, metrics)):
            assert jnp.isfinite(leaf).all()
        for metric in metrics.values():
            assert metric.shape == (6,)


@pytest.mark.parametrize("name", [name for name, (_, options) in OBJECTIVES.items() if options])
def test_its_options_may_be_lanes(linear_gaussian, batch, name):
    """Of a vmap, each by itself: the same as one after the other."""
    (objective, options), params = OBJECTIVES[name], linear_gaussian.wrong()
    lanes = {option: jnp.array([0.7, 1.0, 1.4]) * value for option, value in options.items()}

    @jax.jit
    def in_lanes(lanes):
        def of_batch(option, lane):
            return objective(KEY, linear_gaussian.bind(params), batch, 3, **options | {option: lane})[0]

        return {option: jax.vmap(functools.partial(of_batch, option))(lane) for option, lane in lanes.items()}

    for option, together in in_lanes(lanes).items():
        alone = [
            compiled(name)(params, linear_gaussian.bind, batch, options | {option: lane})[1][0]
            for lane in lanes[option]
        ]
        np.testing.assert_allclose(together, alone, rtol=2e-5, atol=1e-5)
        # The number of examples shifts all densities alike: it cancels where the parts weigh the same.
        assert np.abs(together[0] - together[2]).max() > 1e-3


@table
def test_every_float_option_is_in_the_table(objective, options):
    signature = inspect.signature(objective)
    floats = {name for name, parameter in signature.parameters.items() if str(parameter.annotation).startswith("float")}
    required = {name for name in floats if signature.parameters[name].default is inspect.Parameter.empty}
    assert required <= options.keys() <= floats


SPLIT_IN = {"two": jax.random.split(KEY)[0], "three": jax.random.split(KEY, 3)[0], "one": KEY}


@pytest.mark.parametrize(
    ("objective", "options", "plain", "split"),
    [
        (beta_tcvae, {"num_examples": 90}, functools.partial(elbo, kl=sampled_kl), "one"),
        (
            functools.partial(beta_tcvae, aggregate=minibatch_weighted),
            {"num_examples": 90, "alpha": 4.0, "beta": 4.0, "gamma": 4.0},
            functools.partial(elbo, kl=sampled_kl, beta=4.0),
            "one",
        ),
        (beta_tcvae, {"num_examples": 90, "alpha": 0.0, "beta": 0.0, "gamma": 0.0}, autoencoder, "one"),
        (dip_vae, {"off_diagonal": 0.0, "diagonal": 0.0}, elbo, "one"),
        (wae, {"weight": 0.0, "discrepancy": SLICED}, autoencoder, "three"),
        (info_vae, {"alpha": 0.0, "weight": 1.0, "discrepancy": SLICED}, elbo, "three"),
        (info_vae, {"alpha": 1.0, "weight": 0.0, "discrepancy": SLICED}, autoencoder, "three"),
        (against(factor_vae), {"gamma": 0.0}, elbo, "two"),
        (against(adversarial_autoencoder), {"weight": 0.0}, autoencoder, "two"),
    ],
)
def test_without_its_penalty_it_is_the_objective_beneath(linear_gaussian, batch, objective, options, plain, split):
    """Example by example, noise and all."""
    vae = linear_gaussian.bind(linear_gaussian.wrong())

    @jax.jit
    def both(batch):
        return objective(KEY, vae, batch, 0, **options)[0], over_batch(plain)(SPLIT_IN[split], vae, batch, 0)[0]

    values, expected = both(batch)
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    assert np.ptp(expected) > 0.5


def test_info_vae_with_all_the_information_is_wae(linear_gaussian, batch):
    vae = linear_gaussian.bind(linear_gaussian.wrong())
    info, _ = jax.jit(lambda: info_vae(KEY, vae, batch, 0, alpha=1.0, weight=7.0, discrepancy=by(GAUSSIAN)))()
    plain, _ = jax.jit(lambda: wae(KEY, vae, batch, 0, weight=7.0, discrepancy=by(GAUSSIAN)))()
    np.testing.assert_allclose(info, plain, rtol=1e-6)


def test_schedules_reach_it(linear_gaussian, batch):
    """An objective of the batch, and one player of two; the step is traced."""
    vae, ramp = linear_gaussian.bind(linear_gaussian.wrong()), optax.linear_schedule(0.0, 4.0, 10)
    plain = functools.partial(beta_tcvae, num_examples=90)

    @jax.jit
    def warm_up(step):
        of_batch, _ = scheduled(plain, beta=ramp)(KEY, vae, batch, step)
        of_player, _ = scheduled(factor_vae, gamma=ramp)(KEY, vae, discriminator, batch, step)
        return of_batch, of_player

    @jax.jit
    def constant(value):
        of_batch, _ = plain(KEY, vae, batch, 0, beta=value)
        of_player, _ = factor_vae(KEY, vae, discriminator, batch, 0, gamma=value)
        return of_batch, of_player

    for step, value in ((0, 0.0), (5, 2.0), (99, 4.0)):
        for got, expected in zip(warm_up(step), constant(value), strict=True):
            np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-5)


def test_what_is_no_schedule_is_refused():
    with pytest.raises(TypeError, match=r"options of wae \(weight, discrepancy\); got 'wait'; did you mean 'weight'"):
        scheduled(wae, wait=optax.constant_schedule(1.0))
    with pytest.raises(TypeError, match=r"expected a function of the step for 'weight'; got 2.0; .*weight=2.0\)"):
        scheduled(wae, weight=2.0)


def test_a_code_without_noise_is_refused_where_a_density_is_needed(linear_gaussian, batch):
    """And accepted where it is not: WAE, the adversarial autoencoder, and DIP-VAE I but for its KL."""
    exact = linear_gaussian.bind(linear_gaussian.exact())
    vae = exact._replace(posterior=lambda x: PointMass(exact.posterior(x).loc))
    with pytest.raises(TypeError, match="expected a posterior that is independent in each dimension, a Normal; got Po"):
        beta_tcvae(KEY, vae, batch, 0, num_examples=9)
    with pytest.raises(
        TypeError, match="expected a Normal posterior, whose covariance is known; got PointMass; use cov"
    ):
        covariance_of_codes(jax.vmap(vae.posterior)(batch))
    with pytest.raises(TypeError, match="whose KL divergence has a closed form"):
        info_vae(KEY, vae, batch, 0, alpha=0.0, weight=1.0, discrepancy=SLICED)

    @jax.jit
    def without_density():
        matched, _ = wae(KEY, vae, batch, 0, weight=1.0, discrepancy=SLICED)
        return matched, adversarial_autoencoder(KEY, vae, discriminator, batch, 0, weight=1.0)[0]

    assert all(jnp.isfinite(values).all() for values in without_density())


def test_a_batch_of_one_has_no_others(linear_gaussian, batch):
    vae = linear_gaussian.bind(linear_gaussian.exact())
    with pytest.raises(ValueError, match=r"expected a batch of at least 2 examples to estimate q\(z\) from; got 1"):
        beta_tcvae(KEY, vae, batch[:1], 0, num_examples=9)
    with pytest.raises(ValueError, match="expected samples of at least 2 points each; got 1 and 1; use a larger batch"):
        wae(KEY, vae, batch[:1], 0, weight=1.0, discrepancy=by(GAUSSIAN))
