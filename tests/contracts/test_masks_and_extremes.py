"""Masked, infinite, huge and tiny inputs: the right values against scipy in float64, and gradients without NaN.

A new family or bound enters by one line in `MASKED`, `HEADS`, `POSTERIORS` or `BOUNDS`.
"""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from vae_jax import formulas, objectives
from vae_jax.arithmetic import bounded_exp, log_quotient, log_sum_exp, quotient, weighted
from vae_jax.distributions import (
    Bernoulli,
    BinaryConcrete,
    Categorical,
    CategoricalCodes,
    CategoricalPixels,
    Concrete,
    ExpConcrete,
    Mixture,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    ZeroInflated,
    enumerate_states,
    kl_divergence,
)
from vae_jax.distributions.poisson import sample_counts
from vae_jax.models import likelihoods, posteriors
from vae_jax.objectives.bounds.iwae import _mean_over_groups
from vae_jax.objectives.bounds.renyi import _renyi_bound
from vae_jax.objectives.bounds.tvo import _riemann_sums
from vae_jax.vae import VAE

INF = np.inf
KEY = jax.random.key(0)
MASK = jnp.array([-jnp.inf, 0.0, 1.0])
LOG_P = special.log_softmax([-INF, 0.0, 1.0])


def has_no_nan(tree):
    return not any(np.isnan(leaf).any() for leaf in jax.tree.leaves(tree))


# A distribution, a value, and the log-probability there.
MASKED = {
    "categorical": (Categorical(MASK), jnp.array([0.0, 0.0, 1.0]), LOG_P[2]),
    "categorical, masked": (Categorical(MASK), jnp.array([1.0, 0.0, 0.0]), -INF),
    "codes": (CategoricalCodes(MASK[None]), jnp.array([2.0]), LOG_P[2]),
    "codes, masked": (CategoricalCodes(MASK[None]), jnp.array([0.0]), -INF),
    "pixels": (CategoricalPixels(MASK[None]), jnp.array([0.5]), LOG_P[1]),
    "concrete": (
        Concrete(MASK, 0.7),
        jnp.array([0.0, 0.3, 0.7]),
        float(Concrete(MASK[1:], 0.7).log_prob(jnp.array([0.3, 0.7]))),
    ),
    "concrete, masked": (Concrete(MASK, 0.7), jnp.array([0.2, 0.3, 0.5]), -INF),
    "logs of a concrete": (
        ExpConcrete(MASK, 0.7),
        jnp.log(jnp.array([0.0, 0.3, 0.7])),
        float(ExpConcrete(MASK[1:], 0.7).log_prob(jnp.log(jnp.array([0.3, 0.7])))),
    ),
    "binary concrete": (
        BinaryConcrete(jnp.array([1.0]), 0.7),
        jnp.array([0.3]),
        float(BinaryConcrete(jnp.array([1.0]), 0.7).log_prob(jnp.array([0.3]))),
    ),
    "bernoulli": (Bernoulli(jnp.array([-INF, INF, 0.0])), jnp.array([0.0, 1.0, 1.0]), np.log(0.5)),
    "bernoulli, impossible": (Bernoulli(jnp.array([-INF])), jnp.array([1.0]), -INF),
    "mixture": (
        Mixture(MASK, Normal(jnp.zeros((3, 1)), jnp.array([[1.0], [1.0], [2.0]]))),
        jnp.array([0.7]),
        special.logsumexp(LOG_P[1:] + stats.norm(0, [1, 2]).logpdf(0.7)),
    ),
    "poisson, no rate": (Poisson(jnp.array([-INF, 0.0])), jnp.array([0.0, 1.0]), -1.0),
    "no extra zeros": (ZeroInflated(Poisson(jnp.zeros(2)), jnp.full(2, -INF)), jnp.array([0.0, 1.0]), -2.0),
    "zeros only": (ZeroInflated(Poisson(jnp.zeros(2)), jnp.full(2, INF)), jnp.zeros(2), 0.0),
}


@pytest.mark.parametrize("name", MASKED)
def test_masks_have_their_probability_and_gradients_without_nan(name):
    distribution, value, expected = MASKED[name]
    log_prob, gradient = jax.value_and_grad(lambda distribution: distribution.log_prob(value))(distribution)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-6)
    assert has_no_nan(gradient)
    assert has_no_nan((distribution.sample(KEY), distribution.mean()))


DIVERGENCES = {
    "categorical, itself": (Categorical(MASK), Categorical(MASK), 0.0),
    "categorical, wider": (Categorical(MASK), Categorical(jnp.zeros(3)), np.exp(LOG_P[1:]) @ LOG_P[1:] + np.log(3)),
    "categorical, narrower": (Categorical(jnp.zeros(3)), Categorical(MASK), INF),
    "bernoulli, itself": (Bernoulli(jnp.array([-INF, INF])), Bernoulli(jnp.array([-INF, INF])), 0.0),
    "bernoulli, certain": (Bernoulli(jnp.array([-INF])), Bernoulli(jnp.zeros(1)), np.log(2)),
    "bernoulli, ruled out": (Bernoulli(jnp.zeros(1)), Bernoulli(jnp.array([INF])), INF),
    "normal, 40 powers of ten": (
        Normal(jnp.zeros(1), jnp.array([1e-20])),
        Normal(jnp.zeros(1), jnp.array([1e20])),
        40 * np.log(10) - 0.5,
    ),
}


@pytest.mark.parametrize("name", DIVERGENCES)
def test_divergences_of_masks_and_extremes(name):
    q, p, expected = DIVERGENCES[name]
    value, gradient = jax.value_and_grad(kl_divergence, argnums=(0, 1))(q, p)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert has_no_nan(gradient)


def test_a_masked_enumeration_is_exact_and_has_a_gradient():
    _, log_probs = enumerate_states(Categorical(MASK))
    np.testing.assert_allclose(log_probs, LOG_P, rtol=1e-6)

    def mean(logits):
        states, log_probs = enumerate_states(Categorical(logits))
        return jnp.exp(log_probs) @ states @ jnp.arange(3.0)

    p = np.exp(LOG_P[2])
    np.testing.assert_allclose(jax.grad(mean)(MASK), [0, -p * (1 - p), p * (1 - p)], rtol=1e-5, atol=1e-7)


def test_a_straight_through_value_keeps_the_gradient_of_what_is_not_masked():
    gradient = jax.grad(lambda value: Categorical(MASK).log_prob(value))(jnp.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(gradient, [0, LOG_P[1], LOG_P[2]], rtol=1e-6)


def test_what_is_above_the_diagonal_is_not_read():
    tril = np.array([[0.8, 0.0], [-0.5, 0.6]], np.float32)
    full = tril + np.triu(np.full((2, 2), 7.0, np.float32), 1)
    dirty, clean = (MultivariateNormal(jnp.array([0.3, -1.0]), jnp.asarray(array)) for array in (full, tril))
    for other in (MultivariateNormal(jnp.zeros(2), 2 * jnp.asarray(full)), Normal(jnp.zeros(2), jnp.ones(2))):
        bare = other if isinstance(other, Normal) else MultivariateNormal(other.loc, 2 * jnp.asarray(tril))
        np.testing.assert_array_equal(kl_divergence(dirty, other), kl_divergence(clean, bare))


@pytest.mark.parametrize("rate", [2e3, 1e5, 1e7, 1e12])
def test_large_counts_have_the_moments_of_poisson_and_do_not_saturate(rate):
    """Mean, variance and skewness within 4.5 standard errors of 100,000 draws; beyond 2²⁴ float32 rounds them."""
    draws = np.asarray(jax.jit(sample_counts)(KEY, jnp.full(100_000, rate)), float)
    z = (draws - np.float32(rate)) / np.sqrt(rate)
    assert abs(z.mean()) < 4.5 / np.sqrt(1e5)
    assert abs(z.var() - 1) < 4.5 * np.sqrt(2 / 1e5)
    assert abs((z**3).mean() - rate**-0.5) < 4.5 * np.sqrt(15 / 1e5)
    if rate < 1e6:
        # Spread over the step of the distribution function at each count, which makes it uniform.
        steps = np.random.default_rng(0).uniform(size=draws.size) * stats.poisson(rate).pmf(draws)
        assert stats.kstest(stats.poisson(rate).cdf(draws) - steps, "uniform").pvalue > 1e-4
    assert np.isfinite(Poisson(jnp.array([100.0])).sample(KEY)).all()


COUNTS, LEVELS, UNIT = (0.0, 3.0, 1_000.0), (0.0, 64 / 255, 1.0), (0.0, 0.3, 1.0)
# A head, and values under it.
HEADS = {
    "bernoulli": (likelihoods.bernoulli(), (0.0, 1.0)),
    "beta": (likelihoods.beta(), UNIT),
    "categorical_pixels": (likelihoods.categorical_pixels(num_levels=4), (0.0, 1 / 3, 1.0)),
    "continuous_bernoulli": (likelihoods.continuous_bernoulli(), UNIT),
    "discretised_logistic": (likelihoods.discretised_logistic(), LEVELS),
    "discretised_logistic_mixture": (likelihoods.discretised_logistic_mixture(2), LEVELS),
    "discretised_logistic_with_scale_per_pixel": (likelihoods.discretised_logistic_with_scale_per_pixel(), LEVELS),
    "gaussian": (likelihoods.gaussian(), UNIT),
    "gaussian_with_learned_scale": (likelihoods.gaussian_with_learned_scale(), UNIT),
    "gaussian_with_scale_per_pixel": (likelihoods.gaussian_with_scale_per_pixel(), UNIT),
    "laplace": (likelihoods.laplace(), UNIT),
    "mixed_columns": (likelihoods.mixed_columns(["continuous", "binary", "count", 3]), (0.0, 1.0)),
    "negative_binomial": (likelihoods.negative_binomial(), COUNTS),
    "poisson": (likelihoods.poisson(), COUNTS),
    "student_t": (likelihoods.student_t(), UNIT),
    "zero_inflated_negative_binomial": (likelihoods.zero_inflated_negative_binomial(), COUNTS),
    "zero_inflated_poisson": (likelihoods.zero_inflated_poisson(), COUNTS),
}
WILD = np.array([-1e4, -1e3, -87, -60, -1, 0, 1, 60, 87, 1e3, 1e4])
NUM_WILD = 200
LARGEST = 1e20
"""Of values and gradients, for which float32 has room on every way to them."""


def test_every_likelihood_is_here():
    assert set(HEADS) == set(likelihoods.__all__) - {"Likelihood"}


@pytest.mark.parametrize("name", HEADS)
def test_wild_outputs_of_a_decoder_have_the_values_of_float64_and_finite_gradients(name):
    """In what the head reads and in its own parameters."""
    head, values = HEADS[name]
    shape = (4,) if name == "mixed_columns" else (1,)
    rng = np.random.default_rng(0)
    outputs = rng.choice(WILD, (NUM_WILD, *head.output_shape(shape)))
    params = jax.tree.map(lambda leaf: rng.choice(WILD, (NUM_WILD, *leaf.shape)), head.init(KEY))
    x = rng.choice(values, (NUM_WILD, *shape))

    def log_prob(of, x):
        return head.bind(*of).log_prob(x)

    log_probs, gradients = in_both_precisions(jax.vmap(jax.value_and_grad(log_prob)), (params, outputs), x)
    assert np.isfinite(log_probs[0]).all()
    np.testing.assert_allclose(*log_probs, rtol=1e-4, atol=1e-4)
    slopes, exact = (np.hstack([leaf.reshape(NUM_WILD, -1) for leaf in jax.tree.leaves(tree)]) for tree in gradients)
    has_room = np.abs(exact).max(axis=1) < LARGEST
    assert has_room.mean() > 0.2
    assert np.isfinite(slopes[has_room]).all()


@pytest.mark.parametrize(("head", "x"), [(likelihoods.negative_binomial(), 3.0), (likelihoods.beta(), 0.3)])
def test_wild_outputs_of_a_decoder_find_their_way_back(head, x):
    shape = head.output_shape((1,))
    outputs = np.stack(np.meshgrid(*[[-1e3, -60.0, 0.0, 60.0, 1e3]] * int(np.prod(shape))), -1).reshape(-1, *shape)

    def log_prob(output):
        return head.bind(head.init(KEY), output).log_prob(jnp.array([x]))

    values, gradients = jax.jit(jax.vmap(jax.value_and_grad(log_prob)))(jnp.asarray(outputs, jnp.float32))
    assert np.isfinite(values).all()
    assert np.isfinite(gradients).all()
    if shape == (1,):
        # Up from a mean of nearly nothing by x a nat, down from an endless one by the dispersion, which is one.
        np.testing.assert_allclose(np.ravel(gradients)[[0, 1, 3, 4]], [3, 3, -1, -1], rtol=1e-5)


def in_both_precisions(function, *arguments):
    """What a function gives in float32 and in float64, leaf by leaf of its result: all of the same numbers."""
    narrow = jax.tree.map(np.float32, arguments)
    single = jax.jit(function)(*narrow)
    with jax.enable_x64(True):
        double = jax.jit(function)(*jax.tree.map(np.float64, narrow))
    return zip(single, double, strict=True)


POSTERIORS = {
    "bernoulli": posteriors.bernoulli(),
    "binary_concrete": posteriors.binary_concrete(0.7),
    "binary_straight_through": posteriors.binary_straight_through(0.7),
    "categorical": posteriors.categorical(3),
    "concrete": posteriors.concrete(3, 0.7),
    "diagonal": posteriors.diagonal(),
    "full_covariance": posteriors.full_covariance(),
    "logistic_normal": posteriors.logistic_normal(),
    "low_rank": posteriors.low_rank(1),
    "mixture": posteriors.mixture(2),
    "straight_through": posteriors.straight_through(3, 0.7),
    "von_mises_fisher": posteriors.von_mises_fisher(),
}


ESTIMATED = ("binary_concrete", "concrete", "mixture")
"""Those whose KL to the prior has no closed form."""


def test_every_posterior_with_a_density_is_here():
    public = {
        name
        for name, member in vars(posteriors).items()
        if inspect.isfunction(member) and member.__module__ == posteriors.__name__ and not name.startswith("_")
    }
    assert public - {"point_mass"} == set(POSTERIORS)


@pytest.mark.parametrize("name", POSTERIORS)
def test_wild_outputs_of_an_encoder_have_finite_values_and_gradients(name):
    """Log q of a draw of its own and of one of the prior's, and the KL where it has a closed form.

    Where float64 says that float32 has room for value and gradient.
    """
    posterior = POSTERIORS[name]
    size = 3 if name in ("logistic_normal", "von_mises_fisher") else 2
    outputs = np.random.default_rng(0).choice(WILD, (NUM_WILD, posterior.size(size)))

    def measured(output):
        q = posterior.bind(output)
        prior = jax.tree.map(lambda leaf: leaf.astype(output.dtype), posterior.prior(size))
        terms = [q.sample_and_log_prob(KEY)[1], q.log_prob(prior.sample(KEY))]
        return jnp.stack([*terms, kl_divergence(q, prior)] if name not in ESTIMATED else terms)

    values_and_slopes = jax.vmap(lambda output: (measured(output), jax.jacrev(measured)(output)))
    (values, exact), (slopes, exact_slopes) = in_both_precisions(values_and_slopes, outputs)
    assert not np.isnan(exact).any()
    has_room = np.maximum(np.abs(exact), np.abs(exact_slopes).max(axis=-1)) < LARGEST
    assert has_room.mean() > 0.2
    assert np.isfinite(values[has_room]).all()
    # A draw is another one in float64, and what float32 keeps of it may be many scales away from the draw.
    assert np.isfinite(slopes[has_room & (np.abs(values) < LARGEST)]).all()


LOG_WEIGHTS = jnp.array([-1.0, -jnp.inf, -2.0, 0.5])
LEFT = np.array([-1.0, -2.0, 0.5])
# A bound, its value with one weight of zero, and with none but such.
BOUNDS = {
    "iwae": (formulas.importance_weighted_bound, special.logsumexp(LEFT) - np.log(4)),
    "miwae": (
        lambda weights: _mean_over_groups(weights, 2),
        (-1 - np.log(2) + special.logsumexp(LEFT[1:]) - np.log(2)) / 2,
    ),
    "renyi, 0.5": (lambda weights: _renyi_bound(weights, 0.5), 2 * (special.logsumexp(LEFT / 2) - np.log(4))),
    "renyi, 1": (lambda weights: _renyi_bound(weights, 1.0), -INF),
    "renyi, 3": (lambda weights: _renyi_bound(weights, 3.0), -INF),
    "tvo, left": (lambda weights: _riemann_sums(weights, 0.1, 3)[0], -INF),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_of_weights_that_are_zero(name):
    bound, expected = BOUNDS[name]
    for weights, right in ((LOG_WEIGHTS, expected), (jnp.full(4, -jnp.inf), -INF)):
        value, gradient = jax.value_and_grad(bound)(weights)
        np.testing.assert_allclose(value, right, rtol=1e-6)
        assert has_no_nan(gradient)


def test_draws_of_a_masked_concrete_are_points_of_what_is_left():
    draws, log_probs = jax.vmap(Concrete(MASK, 0.7).sample_and_log_prob)(jax.random.split(KEY, 50))
    assert (draws[:, 0] == 0).all()
    np.testing.assert_allclose(draws.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(log_probs, jax.vmap(Concrete(MASK[1:], 0.7).log_prob)(draws[:, 1:]), rtol=1e-5)


def test_no_weight_of_an_infinite_divergence_is_none():
    """At β = 0, where a warm-up begins, whatever the prior rules out; at any other weight it is −∞."""
    vae = VAE(lambda x: Bernoulli(jnp.zeros(2)), lambda z: Bernoulli(jnp.zeros(1)), Bernoulli(jnp.array([INF, 0.0])))

    def value(logits, beta):
        of_logits = vae._replace(posterior=lambda x: Bernoulli(logits))
        return objectives.elbo(KEY, of_logits, jnp.ones(1), beta=beta, estimator=objectives.score_function)[0]

    without, gradient = jax.jit(jax.value_and_grad(value))(jnp.zeros(2), 0.0)
    np.testing.assert_allclose(without, np.log(0.5), rtol=1e-6)
    assert has_no_nan(gradient)
    assert value(jnp.zeros(2), 1e-3) == -INF


RULED_OUT = VAE(
    lambda x: Categorical(jnp.zeros(3)),
    lambda z: Bernoulli(jnp.where(z[:2] > 0, jnp.inf, -jnp.inf)),
    Categorical(jnp.zeros(3)),
)


@pytest.mark.parametrize("estimator", [objectives.score_function, objectives.leave_one_out])
def test_a_draw_that_cannot_make_x_is_minus_infinity_and_no_nan(estimator):
    def value(logits):
        vae = RULED_OUT._replace(posterior=lambda x: Categorical(logits))
        return objectives.elbo(KEY, vae, jnp.array([0.0, 1.0]), num_samples=8, estimator=estimator)[0]

    log_likelihood, gradient = jax.value_and_grad(value)(jnp.zeros(3))
    assert log_likelihood == -INF
    assert has_no_nan(gradient)


def test_the_right_sum_of_the_thermodynamic_bound_leaves_a_weight_of_zero_out():
    betas = np.array([0.1, np.sqrt(0.1), 1.0])
    expected = [special.softmax(beta * LEFT) @ LEFT for beta in betas]
    _, right, signals = _riemann_sums(LOG_WEIGHTS, 0.1, 3)
    np.testing.assert_allclose(right, np.diff(np.append(0, betas)) @ expected, rtol=1e-6)
    assert np.isfinite(signals).all()


@pytest.mark.parametrize("num", [3, 7, 1_000])
def test_the_effective_sample_size_is_between_one_and_all(num):
    rng = np.random.default_rng(num)
    for weights in (
        np.full(num, 0.1),
        np.full(num, -INF),
        rng.normal(size=num) * 1e-4,
        np.r_[0.0, np.full(num - 1, -INF)],
    ):
        size = formulas.effective_sample_size(jnp.asarray(weights, jnp.float32))
        assert 1 <= size <= num
    assert formulas.effective_sample_size(jnp.full(num, -jnp.inf)) == num


def test_arithmetic_at_its_ends():
    slopes = jax.grad(quotient, argnums=(0, 1))(3e-20, 1e-20)
    np.testing.assert_allclose(slopes, [1e20, -3e20], rtol=1e-6)
    second = jax.jit(jax.vmap(jax.grad(jax.grad(quotient, argnums=1), argnums=1)))(jnp.ones(2), jnp.array([1.0, 2.0]))
    np.testing.assert_allclose(second, [2.0, 0.25], rtol=1e-6)
    np.testing.assert_allclose(jax.grad(log_quotient, argnums=(0, 1))(1e-20, 1e20), [1e20, -1e-20], rtol=1e-6)
    assert weighted(0.0, jnp.inf) == 0
    assert weighted(1.0, jnp.inf) == jnp.inf
    assert log_sum_exp(jnp.full(3, -jnp.inf)) == -jnp.inf
    np.testing.assert_allclose(jax.grad(lambda log: jnp.log(bounded_exp(log)))(-1e4), 1.0, rtol=1e-6)


def test_extreme_counts_agree_with_float64():
    """Wide in both parameters: where ratios overflow and where all cancels."""
    means, thetas = (array.ravel() for array in np.meshgrid(*[np.float32([1e-15, 1e-3, 1.0, 1e6, 1e15])] * 2))
    for x in (0.0, 3.0, 1e6):
        of_one = lambda mean, theta, x=x: NegativeBinomial(mean, theta).log_prob(jnp.asarray(x, mean.dtype))
        values = jax.jit(jax.vmap(of_one))(means, thetas)
        with jax.enable_x64(True):
            exact = jax.jit(jax.vmap(of_one))(means.astype(float), thetas.astype(float))
        np.testing.assert_allclose(values, exact, rtol=2e-5, atol=1e-4)
