"""The formulas beneath everything else, on plain arrays: take them into your own code.

Elementwise, in nats, with their true signs. An event is a whole image or a whole latent vector, so *sum* over its
axes; a mean over pixels would silently weigh the likelihood against the KL (a β of the number of pixels).
Low-precision inputs are computed in float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from vae_jax.arithmetic import log_quotient, log_sum_exp, quotient, weighted
from vae_jax.precision import at_least_float32
from vae_jax.stated import smooth


def gaussian_log_prob(
    x: Real[ArrayLike, "*#shape"], loc: Real[ArrayLike, "*#shape"], scale: Real[ArrayLike, "*#shape"]
) -> Float[Array, "*shape"]:
    """Log-density of a normal distribution, element by element.

    log N(x; μ, σ²) = −½ ((x − μ) / σ)² − log σ − ½ log 2π

    Args:
        x: The value at which to evaluate the density.
        loc: The mean μ.
        scale: The standard deviation σ > 0.

    Returns:
        Nats per element, of the broadcast shape; the sum over an event is its log-likelihood.

    Example:
        >>> float(gaussian_log_prob(0.0, 0.0, 1.0))  # −½ log 2π
        -0.918938...
    """
    x, loc, scale = at_least_float32(x, loc, scale)
    return -0.5 * jnp.square(quotient(x - loc, scale)) - jnp.log(scale) - 0.5 * jnp.log(2 * jnp.pi)


def bernoulli_log_prob(x: Real[ArrayLike, "*#shape"], logits: Real[ArrayLike, "*#shape"]) -> Float[Array, "*shape"]:
    """Log-mass of a Bernoulli distribution, element by element.

    log p(x) = x log s(l) + (1 − x) log s(−l) = x l − softplus(l), with s the logistic function. For x strictly
    between 0 and 1 this is the (negative) cross-entropy that many call a reconstruction loss; it is no likelihood.

    Args:
        x: 0 or 1.
        logits: l = log p/(1 − p); ±∞ for a pixel that is certain.

    Returns:
        Nats per element, of the broadcast shape; finite for any finite logit.

    Example:
        >>> float(bernoulli_log_prob(1.0, 0.0))  # −log 2
        -0.693147...
    """
    x, logits = at_least_float32(x, logits)
    # x l − softplus(l) with softplus(l) = max(l, 0) + log(1 + exp −|l|): the large terms cancel exactly, so that a
    # confident and right pixel keeps its −exp −|l|, which float32 would lose beside l. ∞ − ∞ does not cancel.
    is_certain = jnp.isinf(logits)
    finite = jnp.where(is_certain, 0.0, logits)
    log_mass = x * finite - jnp.maximum(finite, 0) - jnp.log1p(jnp.exp(-jnp.abs(finite)))
    return jnp.where(is_certain, jnp.where(x == (logits > 0).astype(x.dtype), 0.0, -jnp.inf), log_mass)


def categorical_log_prob(
    x: Real[ArrayLike, "*#shape categories"], logits: Real[ArrayLike, "*#shape categories"]
) -> Float[Array, "*shape"]:
    """Log-mass of categorical distributions at one-hot vectors, summed over the categories (the last axis).

    log p(x) = Σₖ xₖ log pₖ, with p = softmax(a).

    Args:
        x: One-hot vectors.
        logits: a; any constant may be added, and −∞ masks a category, which then has probability zero.

    Returns:
        Nats per categorical variable, the last axis reduced; −∞ where a masked category was chosen.

    Example:
        >>> float(categorical_log_prob(jnp.array([0.0, 1.0, 0.0]), jnp.array([-jnp.inf, 0.0, 0.0])))  # −log 2
        -0.693147...
    """
    x, logits = at_least_float32(x, logits)
    return weighted(x, jax.nn.log_softmax(logits)).sum(axis=-1)


def gaussian_kl(
    loc: Real[ArrayLike, "*#shape"],
    scale: Real[ArrayLike, "*#shape"],
    other_loc: Real[ArrayLike, "*#shape"] = 0.0,
    other_scale: Real[ArrayLike, "*#shape"] = 1.0,
) -> Float[Array, "*shape"]:
    """Kullback-Leibler divergence between two normal distributions, element by element.

    KL(N(μ, σ²) ‖ N(m, s²)) = ½ (σ²/s² + (μ − m)²/s² − 1 − log σ²/s²)

    Args:
        loc: μ, the mean of the first.
        scale: σ > 0, the standard deviation of the first.
        other_loc: m, the mean of the second; by default that of the standard normal prior.
        other_scale: s > 0, the standard deviation of the second.

    Returns:
        Nats per element, ≥ 0, of the broadcast shape; the sum over a diagonal Gaussian's dimensions is its KL.

    Example:
        >>> float(gaussian_kl(1.0, 1.0))  # ½ μ²
        0.5

    Source: Kingma & Welling 2014, arXiv:1312.6114, appendix B (there for the standard normal, with the other sign).
    """
    loc, scale, other_loc, other_scale = at_least_float32(loc, scale, other_loc, other_scale)
    # With r = log σ²/s² the terms of the scales are exp r − 1 − r: no underflow, no cancellation near σ = s.
    log_ratio = 2 * log_quotient(scale, other_scale)
    distance = quotient(loc - other_loc, other_scale)
    return 0.5 * (jnp.expm1(log_ratio) - log_ratio + jnp.square(distance))


def bernoulli_kl(
    logits: Real[ArrayLike, "*#shape"], other_logits: Real[ArrayLike, "*#shape"]
) -> Float[Array, "*shape"]:
    """Kullback-Leibler divergence between two Bernoulli distributions, element by element.

    KL(B(a) ‖ B(b)) = s(a) (a − b) + softplus(b) − softplus(a) for logits a, b, with s the logistic function.

    Args:
        logits: a, of the first distribution; ±∞ where it is certain.
        other_logits: b, of the second distribution; ±∞ where it is certain.

    Returns:
        Nats per element, ≥ 0, of the broadcast shape; ∞ where the second rules out what the first does not.
    """
    logits, other_logits = at_least_float32(logits, other_logits)
    log_sigmoid = jax.nn.log_sigmoid
    of_ones = _divergence(log_sigmoid(logits), log_sigmoid(other_logits))
    return of_ones + _divergence(log_sigmoid(-logits), log_sigmoid(-other_logits))


def categorical_kl(
    logits: Real[ArrayLike, "*#shape categories"], other_logits: Real[ArrayLike, "*#shape categories"]
) -> Float[Array, "*shape"]:
    """Kullback-Leibler divergence between two categorical distributions, summed over the categories (the last axis).

    KL(C(a) ‖ C(b)) = Σₖ pₖ (log pₖ − log rₖ), with p = softmax(a) and r = softmax(b).

    Args:
        logits: a, of the first distribution; any constant may be added, and −∞ masks a category.
        other_logits: b, of the second distribution; the same holds for them.

    Returns:
        Nats per categorical variable, ≥ 0, the last axis reduced; ∞ where the second masks what the first does not.

    Example:
        >>> float(categorical_kl(jnp.log(jnp.array([0.75, 0.25])), jnp.zeros(2)))  # log 2 − entropy
        0.130812...
    """
    logits, other_logits = at_least_float32(logits, other_logits)
    return _divergence(jax.nn.log_softmax(logits), jax.nn.log_softmax(other_logits)).sum(axis=-1)


def _divergence(log_p: Array, log_q: Array) -> Array:
    """p log p/q − p + q of each probability, whose sum over all is the divergence, since Σ (q − p) = 0.

    In this form no term is negative, and nearly equal distributions keep their digits.
    """
    is_in_p, is_in_both = log_p > -jnp.inf, (log_p > -jnp.inf) & (log_q > -jnp.inf)
    p, q = jnp.exp(log_p), jnp.exp(log_q)
    log_ratio = jnp.where(is_in_both, log_q, 0.0) - jnp.where(is_in_both, log_p, 0.0)
    # q − p = p (exp r − 1), a difference only where exp r might overflow.
    excess = jnp.where(log_ratio < 1, p * jnp.expm1(jnp.minimum(log_ratio, 1)), q - p)
    return jnp.where(is_in_both, excess - p * log_ratio, jnp.where(is_in_p, jnp.inf, q))


@smooth
def importance_weighted_bound(log_weights: Real[ArrayLike, "*shape"], axis: int = 0) -> Float[Array, "..."]:
    """The importance-weighted bound on log p(x), from the log-weights of K samples.

    log (1/K) Σₖ exp log wₖ, with log wₖ = log p(x, zₖ) − log q(zₖ|x). Its expectation is at most log p(x), never
    falls with K, and is the ELBO for K = 1.

    Args:
        log_weights: log wₖ in nats, the K samples along `axis`; −∞ for a weight of zero.
        axis: The axis of the samples.

    Returns:
        Nats per example, `axis` reduced; higher is tighter.

    Example:
        >>> import jax.numpy as jnp
        >>> float(importance_weighted_bound(jnp.log(jnp.array([1.0, 3.0]))))  # log 2
        0.693147...

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, equation 8.
    """
    (log_weights,) = at_least_float32(log_weights)
    return log_sum_exp(log_weights, axis=axis) - jnp.log(log_weights.shape[axis])


def effective_sample_size(log_weights: Real[ArrayLike, "*shape"], axis: int = 0) -> Float[Array, "..."]:
    """The number of equally weighted samples that the weighted ones are worth: (Σ w)² / Σ w², between 1 and K.

    Args:
        log_weights: log wₖ in nats, the K samples along `axis`.
        axis: The axis of the samples.

    Returns:
        A number of samples, `axis` reduced.

    Source: Kong 1992, technical report 348, University of Chicago.
    """
    (log_weights,) = at_least_float32(log_weights)
    # The ratio does not depend on the scale of the weights; shifting first keeps the digits of large log-weights. The
    # greatest is one by definition, also where it is infinite: weights that are all zero are equal, too.
    greatest = jnp.max(log_weights, axis=axis, keepdims=True)
    weights = jnp.where(log_weights == greatest, 1.0, jnp.exp(log_weights - greatest))
    size = jnp.square(weights.sum(axis=axis)) / jnp.square(weights).sum(axis=axis)
    return jnp.clip(size, 1, log_weights.shape[axis])  # rounding in float32 may leave this range
