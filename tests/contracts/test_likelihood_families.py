"""The families of likelihoods: constructors x laws. A new one enters by one line in `FAMILIES`.

Statistical tests have fixed keys and name their level: a correct implementation would fail with that probability for
another key, a wrong one fails whatever the key.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import logsumexp, softmax

from vae_jax.distributions import (
    Bernoulli,
    Beta,
    CategoricalCodes,
    CategoricalPixels,
    ContinuousBernoulli,
    DiscretisedLogistic,
    DiscretisedLogisticMixture,
    Laplace,
    MixedColumns,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    ZeroInflated,
)

NUM_SAMPLES = 20_000
LEVEL = 1e-4
KEY = jax.random.key(0)
RNG = np.random.default_rng(0)

LOC = np.array([[-1.5, 0.3, 4.0]], np.float32)
SCALE = np.array([[0.4, 2.5, 1.0]], np.float32)
LOGITS = np.array([-40.0, -3.0, -0.9, -0.05, 0.0, 1e-3, 1.5, 30.0], np.float32)
ALPHA, BETA = np.array([0.4, 1.0, 3.0, 70.0], np.float32), np.array([0.7, 2.0, 1.5, 30.0], np.float32)
LOG_RATE = np.array([-3.0, 0.0, 1.0, 3.0], np.float32)
DISPERSION = np.array([0.3, 1.0, 7.0, 200.0], np.float32)
ZERO_LOGITS = np.array([-3.0, 0.0, 1.0, -0.5], np.float32)
PIXEL_LOC, PIXEL_SCALE = np.array([-0.2, 0.02, 0.5, 1.1], np.float32), np.array([0.1, 0.01, 0.15, 0.3], np.float32)
CODES = RNG.normal(size=(3, 5)).astype(np.float32)
BYTES = RNG.normal(size=(3, 256)).astype(np.float32)
WEIGHTS, CENTRES, WIDTHS = (RNG.normal(size=(2, 2, 3)), RNG.uniform(0, 1, (2, 2, 3)), RNG.uniform(0.01, 0.2, (2, 2, 3)))


def continuous_bernoulli_log_density(x, logit):
    """x l − log ∫ exp(u l) du, the integral by quadrature."""
    normaliser, _ = integrate.quad(lambda u: np.exp((u - (logit > 0)) * logit), 0, 1, epsabs=0, epsrel=1e-11)
    return (x - (logit > 0)) * logit - np.log(normaliser)


def rounded_logistic_log_mass(x, loc, scale, num_levels=256):
    """By the distribution function, in float64; from whichever tail is smaller."""
    level = np.round(x * (num_levels - 1))
    upper = np.where(level == num_levels - 1, np.inf, (level + 0.5) / (num_levels - 1))
    lower = np.where(level == 0, -np.inf, (level - 0.5) / (num_levels - 1))
    logistic = stats.logistic(loc, scale)
    mass = np.where(lower > loc, logistic.sf(lower) - logistic.sf(upper), logistic.cdf(upper) - logistic.cdf(lower))
    with np.errstate(divide="ignore"):
        return np.log(mass)


def negative_binomial(mean, dispersion):
    return stats.nbinom(dispersion, dispersion / (dispersion + mean))


def with_zeros(log_mass, logits):
    """P(0) = π + (1 − π) p(0)."""
    log_share, log_rest = -np.logaddexp(0, -logits.astype(float)), -np.logaddexp(0, logits.astype(float))
    return lambda x: np.where(x == 0, np.logaddexp(log_share, log_rest + log_mass(x)), log_rest + log_mass(x))


def of_mixture(x):
    """Of the grey mixture, in numpy."""
    masses = rounded_logistic_log_mass(
        x[..., None], *(array.astype(np.float32).astype(float) for array in (CENTRES, WIDTHS))
    )
    return logsumexp(np.log(softmax(WEIGHTS.astype(np.float32).astype(float), axis=-1)) + masses, axis=-1)


def chosen(logits):
    """Of a code."""
    log_mass = np.log(softmax(logits.astype(float), axis=-1))
    return lambda x: log_mass[np.arange(len(logits)), x.astype(int)]


RATE, POSITIVE = np.exp(LOG_RATE), np.array([[1.5, 0.8, 4.0]], np.float32)
OF_BETA = stats.beta(ALPHA.astype(float), BETA.astype(float))


class Family(NamedTuple):
    """How it is made; its true log-probabilities, element by element, in float64; and what values it takes."""

    make: Callable[[], Any]
    log_prob: Callable[[np.ndarray], np.ndarray]
    support: tuple[float, float] | np.ndarray
    """The ends of an interval, or all values (of each element the same) that have a mass worth counting."""
    cdf: Callable[[np.ndarray], np.ndarray] | None = None
    """Of a continuous family, element by element."""


COUNTS = np.arange(1_000.0)
LEVELS = np.arange(256) / 255
FAMILIES = {
    "laplace": Family(
        lambda: Laplace(jnp.asarray(LOC), jnp.asarray(SCALE)),
        stats.laplace(LOC, SCALE).logpdf,
        (-60, 60),
        stats.laplace(LOC, SCALE).cdf,
    ),
    "laplace, one scale": Family(
        lambda: Laplace(jnp.asarray(LOC), 0.5), stats.laplace(LOC, 0.5).logpdf, (-40, 40), stats.laplace(LOC, 0.5).cdf
    ),
    "student t": Family(
        lambda: StudentT(jnp.asarray(POSITIVE), jnp.asarray(LOC), jnp.asarray(SCALE)),
        stats.t(POSITIVE, LOC, SCALE).logpdf,
        (-1e3, 1e3),
        stats.t(POSITIVE, LOC, SCALE).cdf,
    ),
    "student t, one of each": Family(
        lambda: StudentT(5.0, jnp.asarray(LOC), 2.0), stats.t(5, LOC, 2).logpdf, (-1e3, 1e3), stats.t(5, LOC, 2).cdf
    ),
    "continuous bernoulli": Family(
        lambda: ContinuousBernoulli(jnp.asarray(LOGITS)),
        lambda x: np.vectorize(continuous_bernoulli_log_density)(x, LOGITS.astype(float)),
        (0, 1),
        lambda x: np.where(LOGITS == 0, x, np.expm1(x * LOGITS) / np.expm1(np.where(LOGITS == 0, 1.0, LOGITS))),
    ),
    "beta": Family(lambda: Beta(jnp.asarray(ALPHA), jnp.asarray(BETA)), OF_BETA.logpdf, (0, 1), OF_BETA.cdf),
    "poisson": Family(
        lambda: Poisson(jnp.asarray(LOG_RATE)), stats.poisson(np.exp(LOG_RATE.astype(float))).logpmf, COUNTS
    ),
    "negative binomial": Family(
        lambda: NegativeBinomial(jnp.asarray(RATE), jnp.asarray(DISPERSION)),
        negative_binomial(RATE.astype(float), DISPERSION.astype(float)).logpmf,
        COUNTS,
    ),
    "negative binomial, one dispersion": Family(
        lambda: NegativeBinomial(jnp.asarray(RATE), 2.0), negative_binomial(RATE.astype(float), 2.0).logpmf, COUNTS
    ),
    "zero-inflated poisson": Family(
        lambda: ZeroInflated(Poisson(jnp.asarray(LOG_RATE)), jnp.asarray(ZERO_LOGITS)),
        with_zeros(stats.poisson(np.exp(LOG_RATE.astype(float))).logpmf, ZERO_LOGITS),
        COUNTS,
    ),
    "zero-inflated negative binomial": Family(
        lambda: ZeroInflated(NegativeBinomial(jnp.asarray(RATE), 2.0), jnp.asarray(ZERO_LOGITS)),
        with_zeros(negative_binomial(RATE.astype(float), 2.0).logpmf, ZERO_LOGITS),
        COUNTS,
    ),
    "discretised logistic": Family(
        lambda: DiscretisedLogistic(jnp.asarray(PIXEL_LOC), jnp.asarray(PIXEL_SCALE)),
        lambda x: rounded_logistic_log_mass(x, PIXEL_LOC.astype(float), PIXEL_SCALE.astype(float)),
        LEVELS,
    ),
    "discretised logistic, 17 levels": Family(
        lambda: DiscretisedLogistic(jnp.asarray(PIXEL_LOC), 0.05, num_levels=17),
        lambda x: rounded_logistic_log_mass(x, PIXEL_LOC.astype(float), float(np.float32(0.05)), 17),
        np.arange(17) / 16,
    ),
    "grey mixture": Family(
        lambda: DiscretisedLogisticMixture(*(jnp.asarray(a, jnp.float32) for a in (WEIGHTS, CENTRES, WIDTHS))),
        of_mixture,
        LEVELS,
    ),
    "categorical codes": Family(lambda: CategoricalCodes(jnp.asarray(CODES)), chosen(CODES), np.arange(5.0)),
    "categorical pixels": Family(
        lambda: CategoricalPixels(jnp.asarray(BYTES)), lambda x: chosen(BYTES)(np.round(x * 255)), LEVELS
    ),
}
# Where elements depend on each other, or are of different kinds: they obey the laws that do not need an oracle here.
COLOURS = {
    "logits": RNG.normal(size=(2, 3, 4)),
    "loc": RNG.uniform(0.3, 0.7, (2, 3, 3, 4)),
    "scale": RNG.uniform(0.005, 0.03, (2, 3, 3, 4)),
    "coefficients": RNG.uniform(-0.9, 0.9, (2, 3, 3, 4)),
}
JOINT = {
    "rgb mixture": lambda: DiscretisedLogisticMixture(**{k: jnp.asarray(v, jnp.float32) for k, v in COLOURS.items()}),
    "mixed columns": lambda: MixedColumns(
        (
            Normal(jnp.array([0.3, -1.0]), jnp.array([0.5, 2.0])),
            Bernoulli(jnp.array([0.4])),
            Poisson(jnp.array([1.0])),
            CategoricalCodes(jnp.asarray(CODES[:1])),
        ),
        ((1, 4), (0,), (3,), (2,)),
    ),
}
# Parameters and values where a careless formula overflows or loses every digit: (distribution, value).
EXTREMES = {
    "laplace": lambda: (Laplace(jnp.zeros(3), jnp.array([1e-6, 1e6, 1.0])), jnp.array([1.0, 0.0, 1e12])),
    "student t": lambda: (
        StudentT(jnp.array([1e-3, 1e7, 3.0]), jnp.zeros(3), jnp.array([1e-6, 1.0, 1.0])),
        jnp.array([1e3, 3.0, 1e12]),
    ),
    "continuous bernoulli, certain": lambda: (ContinuousBernoulli(jnp.array([1e4, -1e4, 1e4])), jnp.array([1.0, 0, 0])),
    "continuous bernoulli, flat": lambda: (ContinuousBernoulli(jnp.array([0.0, 1e-20, -1e-7])), jnp.array([1.0, 0, 0])),
    "beta, at the ends": lambda: (
        Beta(jnp.array([0.1, 5.0, 1e6]), jnp.array([0.1, 5.0, 1e6])),
        jnp.array([0.0, 1, 0.5]),
    ),
    "poisson": lambda: (
        Poisson(jnp.array([np.log(1e6), -80.0, 80.0, -10.0], jnp.float32)),
        jnp.array([1e6, 0.0, 0.0, 1e6]),
    ),
    "negative binomial": lambda: (
        NegativeBinomial(jnp.array([1e6, 1e6, 1e-6, 1e8, 5.0]), jnp.array([1e6, 1e-3, 1e-3, 1e-3, 1e8])),
        jnp.array([1e6, 1e6, 1e6, 1.0, 4.0]),
    ),
    "zero-inflated": lambda: (
        ZeroInflated(Poisson(jnp.array([np.log(1e6), 20.0, 0.0], jnp.float32)), jnp.array([-90.0, -90.0, 90.0])),
        jnp.array([1e6, 0.0, 3.0]),
    ),
    "discretised logistic": lambda: (
        DiscretisedLogistic(
            jnp.array([1.0, 0.0, -50.0, 0.5, 0.5]), jnp.array([np.exp(-7.0)] * 3 + [1e6, 1e-5], jnp.float32)
        ),
        jnp.array([0.0, 1.0, 128 / 255, 128 / 255, 128 / 255]),
    ),
    "mixture": lambda: (
        DiscretisedLogisticMixture(
            jnp.array([[80.0, -80.0]]), jnp.array([[0.0, 1.0]]), jnp.full((1, 2), np.exp(-7.0), jnp.float32)
        ),
        jnp.array([1.0]),
    ),
    "categorical": lambda: (CategoricalPixels(jnp.zeros((1, 256)).at[0, 0].set(1e4)), jnp.array([1.0])),
}

families = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
every = {name: family.make for name, family in FAMILIES.items()} | JOINT
all_families = pytest.mark.parametrize("make", every.values(), ids=every.keys())
extremes = pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES.keys())


@jax.jit
def log_prob_of(distribution: Any, value: jax.Array) -> jax.Array:
    return jax.vmap(distribution.log_prob)(value)


@jax.jit
def draw_many(distribution: Any) -> jax.Array:
    return jax.vmap(distribution.sample)(jax.random.split(KEY, NUM_SAMPLES))


@pytest.fixture(scope="module")
def draws():
    """Samples in float64 for the statistics, drawn once for each family."""
    drawn: dict[Any, np.ndarray] = {}
    return lambda make: drawn.setdefault(make, np.asarray(draw_many(make()), float))


def everything(distribution: Any, key: jax.Array) -> tuple[jax.Array, ...]:
    """What every method returns."""
    value, log_prob = distribution.sample_and_log_prob(key)
    return value, log_prob, distribution.log_prob(value), distribution.mean(), distribution.sample(key)


compiled_everything = jax.jit(everything)


def to_float64(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), tree)


def values_of(family: Family, draws: np.ndarray) -> np.ndarray:
    """Some samples, and values in the tails."""
    if isinstance(family.support, np.ndarray):
        places = np.array([0, len(family.support) // 2, len(family.support) - 1])
        tails = family.support[places]
    else:
        low, high = family.support
        tails = np.array([low, high]) + np.array([1e-3, -1e-3]) * (high - low)
    tails = np.broadcast_to(tails.reshape(-1, *[1] * (draws.ndim - 1)), (len(tails), *draws.shape[1:]))
    return np.concatenate([draws[: 8 - len(tails)], tails]).astype(np.float32)


@families
def test_log_prob_is_that_of_scipy_or_quadrature(family, draws):
    values = values_of(family, draws(family.make)).astype(float)
    expected = family.log_prob(values)
    expected = expected.reshape(len(values), -1).sum(axis=1)
    with jax.enable_x64(True):
        exact = log_prob_of(to_float64(family.make()), values)
        # Values that float32 has rounded: x = k/255 is read as a level, so its bits do not matter.
        np.testing.assert_allclose(exact, expected, rtol=2e-7, atol=2e-8)
    np.testing.assert_allclose(log_prob_of(family.make(), values.astype(np.float32)), exact, rtol=5e-6, atol=5e-6)


@families
def test_total_probability_is_one(family, draws):
    """Of each element by a sum in float32, the others held at a sample. Densities are compared to normalised ones."""
    if family.cdf is not None:
        return
    distribution, base = family.make(), draws(family.make)[0]
    log_base = family.log_prob(base)
    for index in np.ndindex(base.shape):
        values = np.repeat(base[None], len(family.support), axis=0)
        values[(slice(None), *index)] = family.support
        rest = log_base.sum() - log_base[index]
        total = np.exp(np.asarray(log_prob_of(distribution, values.astype(np.float32)), float) - rest).sum()
        np.testing.assert_allclose(total, 1, rtol=1e-5)


@families
def test_samples_follow_the_law(family, draws):
    """Each element: Kolmogorov-Smirnov, or χ² over the values that expect 10 draws or more; 1e-4 over all elements."""
    drawn = draws(family.make)
    for index in np.ndindex(drawn.shape[1:]):
        element = drawn[(slice(None), *index)]
        if family.cdf is not None:
            # The distribution function takes whole events: of each draw it is the element's number that counts.
            uniform = family.cdf(drawn)[(slice(None), *index)]
            p_value = stats.kstest(uniform, "uniform").pvalue
        else:
            p_value = chi_square(element, family.support, mass_of(family, drawn.shape[1:])[(slice(None), *index)])
        assert p_value > LEVEL / drawn[0].size, index


def mass_of(family: Family, shape: tuple[int, ...]) -> np.ndarray:
    """The mass of every value for every element."""
    return np.exp(
        family.log_prob(np.broadcast_to(family.support.reshape(-1, *[1] * len(shape)), (len(family.support), *shape)))
    )


def chi_square(drawn: np.ndarray, support: np.ndarray, mass: np.ndarray) -> float:
    """The p-value of the counts of the common values, and of all others together."""
    counts = np.bincount(np.round(drawn / support[1]).astype(int), minlength=len(support))
    np.testing.assert_allclose(drawn, support[np.round(drawn / support[1]).astype(int)], rtol=1e-6)
    common = mass * NUM_SAMPLES >= 10
    expected = np.append(mass[common], 1 - mass[common].sum()) * NUM_SAMPLES
    counts = np.append(counts[common], counts[~common].sum())
    kept = slice(None) if expected[-1] >= 5 else slice(-1)
    return stats.chisquare(counts[kept], expected[kept] * counts[kept].sum() / expected[kept].sum()).pvalue


@all_families
def test_elements_of_a_sample_differ(make, draws):
    """A key used twice would pass every one-dimensional test: independent elements are not perfectly correlated."""
    drawn = draws(make).reshape(NUM_SAMPLES, -1)
    correlations = np.corrcoef(drawn[:, drawn.std(axis=0) > 0].T)
    largest = 0.9 if make is JOINT["rgb mixture"] else 4.5 / np.sqrt(NUM_SAMPLES)
    assert np.abs(np.triu(correlations, k=1)).max() < largest


@all_families
def test_mean_is_the_average_of_samples(make, draws):
    """Within 4.5 standard errors; of a t distribution with a variance."""
    distribution, drawn = make(), draws(make)
    mean = np.asarray(distribution.mean())
    assert mean.shape == drawn.shape[1:]
    assert mean.dtype == np.float32
    has_variance = np.broadcast_to(getattr(distribution, "degrees_of_freedom", 3.0) > np.float32(2), mean.shape)
    error = np.abs(drawn.mean(axis=0) - mean) / (drawn.std(axis=0) / np.sqrt(NUM_SAMPLES) + 1e-6)
    assert (error[has_variance] < 4.5).all()


@all_families
def test_sample_and_log_prob_is_both_and_jit_equals_eager(make):
    """Except for the rejection loops of samples, which would be compiled one operation at a time."""
    distribution = make()
    value, log_prob, log_prob_of_value, mean, sample = compiled_everything(distribution, jax.random.key(4))
    np.testing.assert_allclose(log_prob, distribution.log_prob(value), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mean, distribution.mean(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(value, sample)
    np.testing.assert_allclose(log_prob, log_prob_of_value, rtol=1e-6)
    assert log_prob.shape == ()
    assert log_prob.dtype == value.dtype == jnp.float32


@all_families
def test_vmap_equals_a_loop(make):
    """Over distribution, key and value together: there are no batch axes inside."""
    keys = jax.random.split(jax.random.key(5), 2)
    several = [jax.tree.map(lambda leaf, by=by: np.asarray(leaf) + np.float32(by), make()) for by in (0, 0.25)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *several)
    batch = jax.jit(jax.vmap(everything))(stacked, keys)
    loop = jax.tree.map(lambda *rows: np.stack(rows), *map(compiled_everything, several, keys))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), batch, loop)


@all_families
def test_bfloat16_parameters_are_computed_in_float32(make, draws):
    """Of values and parameters of 8 bits the log-probability has 24, and no sum overflows or stalls."""
    low = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.bfloat16), make())
    same = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), low)
    value = draws(make)[:8].astype(np.float32)
    assert log_prob_of(low, value).dtype == jnp.float32
    np.testing.assert_allclose(log_prob_of(low, value), log_prob_of(same, value), rtol=1e-6)
    sample = jax.eval_shape(low.sample, KEY)
    # A count or a level may not fit into 8 bits: it is not rounded. A density's value is.
    is_discrete = np.all(low.is_discrete) or isinstance(low, MixedColumns)
    assert sample.dtype == (jnp.float32 if is_discrete else jnp.bfloat16)


@families
def test_whether_it_is_discrete_and_reparametrised(family):
    distribution = family.make()
    is_discrete = isinstance(family.support, np.ndarray)
    assert (distribution.is_discrete, distribution.is_reparametrised) == (is_discrete, not is_discrete)
    assert jax.tree.structure(distribution) == jax.tree.structure(jax.tree.map(lambda leaf: object(), distribution))


@families
def test_what_it_cannot_take_has_no_probability(family):
    """Half a count, a code too many, bytes that were not scaled, a grey level above 1: −∞, and no finite mistake."""
    shape = family.make().mean().shape
    for value in (family.support[-1] + 0.5, -1.5):
        log_prob = log_prob_of(family.make(), jnp.full((8, *shape), value))[0]
        assert (log_prob == -jnp.inf) == (family.cdf is None or family.support == (0, 1))


@extremes
def test_extremes_are_finite_with_finite_gradients_and_agree_with_float64(extreme):
    distribution, value = extreme()
    log_prob, gradient = value_and_gradient(distribution, value)
    assert np.isfinite(log_prob)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(gradient))
    with jax.enable_x64(True):
        exact = log_prob_of(to_float64(distribution), np.asarray(value, np.float64)[None])[0]
    np.testing.assert_allclose(log_prob, exact, rtol=2e-5)


@jax.jit
def value_and_gradient(distribution: Any, value: jax.Array) -> tuple[jax.Array, Any]:
    return jax.value_and_grad(lambda distribution: distribution.log_prob(value))(distribution)
