"""The table of likelihood families: how each is made, its true log-probabilities, and its extremes."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
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
