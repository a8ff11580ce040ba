"""Bounds where the truth is known: their order, their limits, and closed forms of the conjugate Gaussian."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from vae_jax.distributions import Normal
from vae_jax.objectives import ciwae, elbo, iwae, miwae, over_draws, piwae, renyi, sampled_kl, tvo, vr_max
from vae_jax.objectives.bounds.renyi import _renyi_bound
from vae_jax.objectives.bounds.tvo import _riemann_sums
from vae_jax.vae import VAE

KEY = jax.random.key(0)
LOG_WEIGHTS = np.random.default_rng(3).normal(-90.0, 2.0, size=12)

# One latent number, x a number: p(z|x) = N(μ, v) and p(x) are normal; q is neither in place nor in width.
WEIGHT, NOISE, X = 1.3, 0.7, 0.9
LOC, SCALE = 0.2, 0.5
Q = norm(LOC, SCALE)
MARGINAL = norm(0.0, np.hypot(WEIGHT, NOISE))
POSTERIOR = norm(WEIGHT * X / (WEIGHT**2 + NOISE**2), NOISE / np.hypot(WEIGHT, NOISE))
TRUTH = MARGINAL.logpdf(X)


def conjugate(params) -> VAE:
    return VAE(
        posterior=lambda x: Normal(params["loc"][None], params["scale"][None]),
        likelihood=lambda z: Normal(params["weight"] * z, jnp.asarray(NOISE, z.dtype)),
        prior=Normal(jnp.zeros(1, params["loc"].dtype), jnp.ones(1, params["loc"].dtype)),
    )


PARAMS = {"loc": LOC, "scale": SCALE, "weight": WEIGHT}
VAE_HERE = conjugate(jax.tree.map(jnp.asarray, PARAMS))


def renyi_divergence(alpha: float) -> float:
    """D_α(q ‖ posterior) of two normals, by numerical integration of q^α p^(1 − α)."""
    integral, _ = quad(lambda z: np.exp(alpha * Q.logpdf(z) + (1 - alpha) * POSTERIOR.logpdf(z)), -15, 15, epsabs=1e-13)
    return np.log(integral) / (alpha - 1)


@pytest.fixture(scope="module")
def log_weights() -> np.ndarray:
    """A million of them, in float64."""
    z = Q.rvs(1_000_000, random_state=0)
    return TRUTH + POSTERIOR.logpdf(z) - Q.logpdf(z)


def test_the_divergences_at_hand_are_the_closed_form():
    """log of σ_α: Gil et al. 2013, table 2, for normals."""
    for alpha in (0.5, 2.0):
        variance = alpha * POSTERIOR.var() + (1 - alpha) * Q.var()
        expected = (
            np.log(POSTERIOR.std() / Q.std())
            + np.log(POSTERIOR.var() / variance) / (2 * (alpha - 1))
            + alpha * (Q.mean() - POSTERIOR.mean()) ** 2 / (2 * variance)
        )
        np.testing.assert_allclose(renyi_divergence(alpha), expected, rtol=1e-9)


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.5, 1.5, 2.0])
def test_renyi_is_log_p_less_a_divergence(log_weights, alpha):
    """With a million samples, within 4.5 standard errors by the delta method."""
    with jax.enable_x64(True):
        estimate = float(jax.jit(_renyi_bound)(log_weights, alpha))
    powers = np.exp((1 - alpha) * (log_weights - log_weights.max()))
    error = powers.std() / powers.mean() / abs(1 - alpha) / np.sqrt(len(powers))
    expected = TRUTH - (renyi_divergence(alpha) if alpha else 0.0)
    assert abs(estimate - expected) < 4.5 * error
    assert error < 0.002


def test_the_bias_of_iwae_is_the_published_one(log_weights):
    """−Var(w)/(2K p²) with Var(w)/p² = exp D₂(posterior ‖ q) − 1, for K = 200, within 4.5 standard errors."""
    num_samples = 200
    of_each = log_weights.reshape(-1, num_samples)
    with jax.enable_x64(True):
        bounds = np.asarray(jax.jit(jax.vmap(lambda weights: _renyi_bound(weights, 0.0)))(of_each))
    integral, _ = quad(lambda z: np.exp(2 * POSTERIOR.logpdf(z) - Q.logpdf(z)), -15, 15)
    # The mean of the normalised weights is known to be one: a control variate against most of the noise.
    bias = bounds - TRUTH - (np.exp(of_each - TRUTH).mean(axis=1) - 1)
    error = bias.std() / np.sqrt(len(bias))
    expected = -(integral - 1) / (2 * num_samples)
    assert abs(bias.mean() - expected) < 4.5 * error + abs(expected) / num_samples
    assert error < abs(expected) / 10


def test_renyi_falls_with_alpha_between_the_greatest_weight_and_the_least():
    """For every set of log-weights, from −∞ (`vr_max`) through `iwae` at 0 and the ELBO at 1."""
    alphas = np.array([-1e4, -10.0, -1.0, 0.0, 0.5, 0.999, 1.0, 1.001, 2.0, 10.0, 1e4])
    with jax.enable_x64(True):
        values = np.asarray(jax.jit(jax.vmap(lambda alpha: _renyi_bound(LOG_WEIGHTS, alpha)))(alphas))
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(values[[0, -1]], [LOG_WEIGHTS.max(), LOG_WEIGHTS.min()], rtol=1e-5)
    np.testing.assert_allclose(values[3], np.log(np.mean(np.exp(LOG_WEIGHTS))), rtol=1e-14)
    np.testing.assert_allclose(values[6], LOG_WEIGHTS.mean(), rtol=1e-14)


def test_renyi_is_right_next_to_alpha_one():
    """In float32, from either side: mean + (1 − α) variance/2 to first order; the gradient is 1/K; in α −variance/2."""
    weights = jnp.asarray(LOG_WEIGHTS, jnp.float32)
    evaluate = jax.jit(jax.vmap(jax.value_and_grad(_renyi_bound), in_axes=(None, 0)))
    offsets = np.array([0.0, 1e-7, -1e-7, 1e-6, -1e-5, 1e-4, -1e-3], np.float32)
    powers = 1 - (1 + offsets)  # as float32 holds them
    values, gradients = evaluate(weights, 1 + offsets)
    np.testing.assert_allclose(values, LOG_WEIGHTS.mean() + powers * LOG_WEIGHTS.var() / 2, rtol=3e-7)
    np.testing.assert_allclose(gradients, 1 / 12, rtol=1e-2)
    np.testing.assert_allclose(gradients[0], 1 / 12, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(_renyi_bound, argnums=1)(weights, 1.0), -LOG_WEIGHTS.var() / 2, rtol=1e-5)


@pytest.mark.parametrize("alpha", [-50.0, 0.0, 1.0, 50.0])
def test_renyi_does_not_overflow(alpha):
    weights = jnp.array([-3e4, 2e4, 0.0, 1e-3])
    value, gradient = jax.jit(jax.value_and_grad(_renyi_bound))(weights, alpha)
    assert np.isfinite(value)
    np.testing.assert_allclose(gradient.sum(), 1.0, rtol=1e-5)


def test_the_limits_of_each_family_are_each_other(linear_gaussian, examples):
    """With the same key, so with the same samples."""
    vae = linear_gaussian.bind(linear_gaussian.wrong())
    with_mean = partial(elbo, kl=sampled_kl)

    @jax.jit
    def pairs(x):
        of = lambda objective, **options: objective(KEY, vae, x, **options)[0]
        weighted, average = of(iwae, num_samples=6), of(with_mean, num_samples=6)
        one = of(with_mean)
        return {
            "miwae of one group": (of(miwae, num_groups=1, num_samples=6), weighted),
            "miwae of groups of one": (of(miwae, num_groups=6, num_samples=1), average),
            "piwae": (of(piwae, num_groups=2, num_samples=3), weighted),
            "ciwae, 0": (of(ciwae, beta=0.0, num_samples=6), weighted),
            "ciwae, 1": (of(ciwae, beta=1.0, num_samples=6), average),
            "renyi, 0": (of(renyi, alpha=0.0, num_samples=6), weighted),
            "renyi, 1": (of(renyi, alpha=1.0, num_samples=6), average),
            "vr_max": (of(vr_max, num_samples=6), of(renyi, alpha=-1e6, num_samples=6)),
            "vr_max of one": (of(vr_max, num_samples=1), one),
            "tvo of one partition": (of(tvo, num_samples=6, num_partitions=1), average),
            "iwae of one": (of(iwae, num_samples=1), one),
        }

    for name, (value, expected) in pairs(jnp.asarray(examples[0], jnp.float32)).items():
        np.testing.assert_allclose(value, expected, rtol=2e-6, err_msg=name)


def test_bounds_are_ordered_for_every_set_of_samples(linear_gaussian, examples):
    """ELBO ≤ MIWAE ≤ IWAE ≤ VR-max by Jensen, CIWAE between, and TVO's left sum ≤ its right one."""
    vae = linear_gaussian.bind(linear_gaussian.wrong())

    @jax.jit
    @jax.vmap
    def bounds(x):
        of = lambda objective, **options: objective(KEY, vae, x, **options)
        left, metrics = of(tvo, num_samples=12, num_partitions=4)
        return jnp.stack(
            [
                of(elbo, kl=sampled_kl, num_samples=12)[0],
                of(miwae, num_groups=4, num_samples=3)[0],
                of(iwae, num_samples=12)[0],
                of(vr_max, num_samples=12)[0],
            ]
        ), jnp.stack([of(ciwae, beta=0.5, num_samples=12)[0], left, metrics["upper_bound"]])

    chain, (mixed, left, right) = (np.asarray(part).T for part in bounds(jnp.asarray(examples, jnp.float32)))
    assert (np.diff(chain, axis=0) > 1e-3).all()
    assert (chain[0] < mixed).all()
    assert (mixed < chain[2]).all()
    assert (left + 1e-2 < right).all()


def test_expected_bounds_are_ordered(linear_gaussian, examples):
    """E MIWAE(4, 3) = E IWAE₃ < E IWAE₁₂ < log p(x), by more than 5 standard errors of 10,000 estimates."""
    vae, x = linear_gaussian.bind(linear_gaussian.wrong()), jnp.asarray(examples[0], jnp.float32)

    @jax.jit
    @jax.vmap
    def estimates(key):
        keys = jax.random.split(key)
        return jnp.stack(
            [
                miwae(keys[0], vae, x, num_groups=4, num_samples=3)[0],
                iwae(keys[1], vae, x, num_samples=3)[0],
                iwae(keys[1], vae, x, num_samples=12)[0],
            ]
        )

    values = np.asarray(estimates(jax.random.split(KEY, 10_000)), float)
    (many, few, weighted), errors = values.mean(axis=0), values.std(axis=0) / 100
    truth = linear_gaussian.marginal.logpdf(examples[0])
    assert abs(many - few) < 4.5 * np.hypot(errors[0], errors[1])
    assert many + 5 * np.hypot(errors[0], errors[2]) < weighted < truth - 5 * errors[2]
    assert values[:, 0].std() < values[:, 1].std() / 1.8  # four groups: half the noise


# The thermodynamic path


def path_sums(params, betas):
    """The exact left and right sums: on the path from q to p(x, z) every density is normal, on a grid in float64."""
    z = jnp.linspace(-12.0, 12.0, 4_001, dtype=jnp.float64)
    log_q = norm_log_prob(z, params["loc"], params["scale"])
    log_weight = norm_log_prob(z, 0.0, 1.0) + norm_log_prob(X, params["weight"] * z, NOISE) - log_q

    def expectation(beta):
        density = jax.nn.softmax(log_q + beta * log_weight)
        return density @ log_weight

    expectations = jax.vmap(expectation)(betas)
    widths = jnp.diff(betas)
    return widths @ expectations[:-1], widths @ expectations[1:]


def norm_log_prob(x, loc, scale):
    return -0.5 * ((x - loc) / scale) ** 2 - jnp.log(scale) - 0.5 * jnp.log(2 * jnp.pi)


def betas_of(num_partitions: int, smallest: float) -> np.ndarray:
    return np.concatenate([[0.0], np.geomspace(smallest, 1.0, num_partitions) if num_partitions > 1 else [1.0]])


def test_the_path_integral_is_log_p():
    """By 200 steps in float64: left < log p(x) < right, 1/200 of each other; the ELBO and log p + KL at one step."""
    with jax.enable_x64(True):
        left, right = map(float, path_sums(PARAMS, jnp.linspace(0.0, 1.0, 201)))
        lower, upper = map(float, path_sums(PARAMS, jnp.array([0.0, 1.0])))
    kl = (
        np.log(POSTERIOR.std() / Q.std()) + (Q.var() + (Q.mean() - POSTERIOR.mean()) ** 2) / (2 * POSTERIOR.var()) - 0.5
    )
    np.testing.assert_allclose(lower, TRUTH - kl, rtol=1e-9)
    assert lower < left < TRUTH < right < upper
    np.testing.assert_allclose((left + right) / 2, TRUTH, rtol=1e-5)


@pytest.mark.parametrize(("num_partitions", "smallest"), [(1, 0.3), (2, 0.1), (6, 0.025)])
def test_tvo_is_the_sum_along_the_path(log_weights, num_partitions, smallest):
    """From a million samples, to 1 %, left and right; and left ≤ log p ≤ right."""
    with jax.enable_x64(True):
        left, right, _ = jax.jit(partial(_riemann_sums, num_partitions=num_partitions))(log_weights, smallest)
        expected = path_sums(PARAMS, jnp.asarray(betas_of(num_partitions, smallest)))
        left, right, *expected = map(float, (left, right, *expected))
    np.testing.assert_allclose([left, right], expected, atol=0.01)
    assert left < TRUTH - 0.01
    assert right > TRUTH + 0.01


def test_the_gradient_of_tvo_is_that_of_the_exact_sum():
    """In posterior and likelihood: the mean of 400 gradients of 5,000 samples each, within 4.5 standard errors."""
    num_partitions, smallest = 3, 0.1
    of_key = jax.grad(
        lambda params, key: tvo(
            key,
            conjugate(params),
            jnp.asarray([X]),
            num_samples=5_000,
            num_partitions=num_partitions,
            smallest_beta=smallest,
        )[0]
    )
    gradients = jax.jit(jax.vmap(of_key, in_axes=(None, 0)))(
        jax.tree.map(jnp.asarray, PARAMS), jax.random.split(KEY, 400)
    )
    with jax.enable_x64(True):
        exact = jax.grad(lambda params: path_sums(params, jnp.asarray(betas_of(num_partitions, smallest)))[0])(PARAMS)
        exact = jax.tree.map(float, exact)
    for name, expected in exact.items():
        of_each = np.asarray(gradients[name], float)
        error = of_each.std() / np.sqrt(len(of_each))
        assert abs(of_each.mean() - expected) < 4.5 * error, name
        assert error < 0.02 * abs(expected), name


def test_no_partitions_are_refused():
    with pytest.raises(ValueError, match="expected num_partitions of at least 1; got 0"):
        tvo(KEY, VAE_HERE, jnp.asarray([X]), num_samples=3, num_partitions=0)


def test_metrics_are_plain_means():
    """Whatever the bound: of log p(x|z) and of log q(z|x) − log p(z) over all samples."""
    x = jnp.asarray([X])
    objectives = [
        partial(iwae, num_samples=6),
        partial(miwae, num_groups=2, num_samples=3),
        partial(piwae, num_groups=2, num_samples=3),
        partial(tvo, num_samples=6, num_partitions=3),
    ]
    terms, of_each = jax.jit(
        lambda x: (
            over_draws(KEY, VAE_HERE, x, 6, lambda draw: (draw.likelihood.log_prob(x), sampled_kl(draw))),
            [objective(KEY, VAE_HERE, x)[1] for objective in objectives],
        )
    )(x)
    expected = [float(term.mean()) for term in terms]
    log_weights = np.asarray(terms[0] - terms[1], float)
    weights = np.exp(log_weights - log_weights.max())
    for metrics in of_each:
        np.testing.assert_allclose([metrics["log_likelihood"], metrics["kl"]], expected, rtol=1e-5)
        np.testing.assert_allclose(metrics["effective_sample_size"], weights.sum() ** 2 / (weights**2).sum(), rtol=1e-4)
