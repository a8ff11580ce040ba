"""The formulas beneath everything else, on plain arrays: take them into your own code.

Elementwise, in nats, with their true signs. An event is a whole image or a whole latent vector, so *sum* over its
axes; a mean over pixels would silently weigh the likelihood against the KL (a β of the number of pixels).
Low-precision inputs are computed in float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, Float

from vae_jax.precision import at_least_float32
from vae_jax.stated import smooth


def gaussian_log_prob(
    x: Float[ArrayLike, "*shape"], loc: Float[ArrayLike, "*shape"], scale: Float[ArrayLike, "*shape"]
) -> Float[Array, "*shape"]:
    """Log-density of a normal distribution, element by element.

    log N(x; μ, σ²) = −½ ((x − μ) / σ)² − log σ − ½ log 2π

    Args:
        x: Where to evaluate it.
        loc: The mean μ.
        scale: The standard deviation σ > 0.

    Returns:
        Nats per element, of the broadcast shape; the sum over an event is its log-likelihood.

    Example:
        >>> float(gaussian_log_prob(0.0, 0.0, 1.0))  # −½ log 2π
        -0.918938...
    """
    x, loc, scale = at_least_float32(x, loc, scale)
    return -0.5 * jnp.square((x - loc) / scale) - jnp.log(scale) - 0.5 * jnp.log(2 * jnp.pi)


def bernoulli_log_prob(x: Float[ArrayLike, "*shape"], logits: Float[ArrayLike, "*shape"]) -> Float[Array, "*shape"]:
    """Log-mass of a Bernoulli distribution, element by element.

    log p(x) = x log s(l) + (1 − x) log s(−l) = x l − softplus(l), with s the logistic function. For x strictly
    between 0 and 1 this is the (negative) cross-entropy that many call a reconstruction loss: no likelihood.

    Args:
        x: 0 or 1.
        logits: l = log p/(1 − p).

    Returns:
        Nats per element, of the broadcast shape; finite for any finite logit.

    Example:
        >>> float(bernoulli_log_prob(1.0, 0.0))  # −log 2
        -0.693147...
    """
    x, logits = at_least_float32(x, logits)
    # x l − softplus(l) with softplus(l) = max(l, 0) + log(1 + exp −|l|): the large terms cancel exactly, so that a
    # confident and right pixel keeps its −exp −|l|, which float32 would lose beside l.
    return x * logits - jnp.maximum(logits, 0) - jnp.log1p(jnp.exp(-jnp.abs(logits)))


def gaussian_kl(
    loc: Float[ArrayLike, "*shape"],
    scale: Float[ArrayLike, "*shape"],
    other_loc: Float[ArrayLike, "*shape"] = 0.0,
    other_scale: Float[ArrayLike, "*shape"] = 1.0,
) -> Float[Array, "*shape"]:
    """Kullback-Leibler divergence between two normal distributions, element by element.

    KL(N(μ, σ²) ‖ N(m, s²)) = ½ (σ²/s² + (μ − m)²/s² − 1 − log σ²/s²)

    Args:
        loc: μ, the mean of the first.
        scale: σ > 0, the standard deviation of the first.
        other_loc: m, the mean of the second; by default of the standard normal prior.
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
    log_ratio = 2 * jnp.log(scale / other_scale)
    return 0.5 * (jnp.expm1(log_ratio) - log_ratio + jnp.square((loc - other_loc) / other_scale))


def bernoulli_kl(
    logits: Float[ArrayLike, "*shape"], other_logits: Float[ArrayLike, "*shape"]
) -> Float[Array, "*shape"]:
    """Kullback-Leibler divergence between two Bernoulli distributions, element by element.

    KL(B(a) ‖ B(b)) = s(a) (a − b) + softplus(b) − softplus(a) for logits a, b, with s the logistic function.

    Args:
        logits: a, of the first.
        other_logits: b, of the second.

    Returns:
        Nats per element, ≥ 0, of the broadcast shape.
    """
    logits, other_logits = at_least_float32(logits, other_logits)
    # Zeros and ones exchanged, it is the same number: taken where a ≤ 0, s(a) and softplus(a) are small, not near a.
    sign = jnp.where(logits > 0, -1, 1)
    logits, other_logits = sign * logits, sign * other_logits
    cross = jax.nn.sigmoid(logits) * (logits - other_logits)
    return cross + jax.nn.softplus(other_logits) - jax.nn.softplus(logits)


def categorical_kl(
    logits: Float[ArrayLike, "*shape categories"], other_logits: Float[ArrayLike, "*shape categories"]
) -> Float[Array, "*shape"]:
    """Kullback-Leibler divergence between two categorical distributions, summed over the categories (the last axis).

    KL(C(a) ‖ C(b)) = Σₖ pₖ (log pₖ − log rₖ), with p = softmax(a) and r = softmax(b).

    Args:
        logits: a, of the first; any constant may be added.
        other_logits: b, of the second, likewise.

    Returns:
        Nats per categorical variable, ≥ 0, the last axis reduced.

    Example:
        >>> float(categorical_kl(jnp.log(jnp.array([0.75, 0.25])), jnp.zeros(2)))  # log 2 − entropy
        0.130812...
    """
    logits, other_logits = at_least_float32(logits, other_logits)
    log_p = jax.nn.log_softmax(logits)
    log_ratio = jax.nn.log_softmax(other_logits) - log_p
    p = jnp.exp(log_p)
    # Σ p (exp r − 1) = 0 may be added: then no term is negative, and nearly equal distributions keep their digits.
    # Where r is large p (exp r − 1) is a difference of two probabilities, because exp r overflows.
    excess = jnp.where(log_ratio < 1, p * jnp.expm1(jnp.minimum(log_ratio, 1)), jnp.exp(log_p + log_ratio) - p)
    return (excess - p * log_ratio).sum(axis=-1)


@smooth
def importance_weighted_bound(log_weights: Float[ArrayLike, "*shape"], axis: int = 0) -> Float[Array, "..."]:
    """The importance-weighted bound on log p(x), from the log-weights of K samples.

    log (1/K) Σₖ exp log wₖ, with log wₖ = log p(x, zₖ) − log q(zₖ|x). Its expectation is at most log p(x), never
    falls with K, and is the ELBO for K = 1.

    Args:
        log_weights: log wₖ in nats, the K samples along `axis`.
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
    return logsumexp(log_weights, axis=axis) - jnp.log(log_weights.shape[axis])


def effective_sample_size(log_weights: Float[ArrayLike, "*shape"], axis: int = 0) -> Float[Array, "..."]:
    """How many equally weighted samples the weighted ones are worth: (Σ w)² / Σ w², between 1 and K.

    Args:
        log_weights: log wₖ in nats, the K samples along `axis`.
        axis: The axis of the samples.

    Returns:
        A number of samples, `axis` reduced.

    Source: Kong 1992, technical report 348, University of Chicago.
    """
    (log_weights,) = at_least_float32(log_weights)
    # The ratio does not depend on the scale of the weights; shifting first keeps the digits of large log-weights.
    weights = jnp.exp(log_weights - jnp.max(log_weights, axis=axis, keepdims=True))
    return jnp.square(weights.sum(axis=axis)) / jnp.square(weights).sum(axis=axis)
