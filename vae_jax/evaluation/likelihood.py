"""The log-likelihood, by importance sampling, in bounded memory and over the whole machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, Int

from vae_jax.data.examples import Examples
from vae_jax.evaluation.fitted import Fit, Fitted
from vae_jax.evaluation.over_examples import example_keys
from vae_jax.objectives import elbo, over_draws, sampled_kl
from vae_jax.types import Key, Params
from vae_jax.vae import VAE


class LogLikelihood(NamedTuple):
    """Estimates of log p(x), one for each example."""

    estimate: Float[np.ndarray, " num"]
    """The importance-weighted bound, nats per example: in expectation at most log p(x), and nearer for larger K."""
    effective_sample_size: Float[np.ndarray, " num"]
    """Between 1 and K. Near 1, a single sample carries the estimate and it is far too low."""


def importance_sampled_log_likelihood(
    bind: Callable[[Params], VAE],
    transform: Callable[[Key, Any], Any],
    *,
    num_samples: int,
    seed: int = 0,
    num_at_once: int = 2_000,
) -> Callable[[Params, Examples], LogLikelihood]:
    """log (1/K) Σₖ p(x|zₖ) p(zₖ) / q(zₖ|x), zₖ ~ q(z|x): the estimate that papers print as "NLL, K samples".

    The sum runs over chunks of samples, so memory is bounded by `num_at_once` decoded samples whatever K is.

    Args:
        bind: parameters -> VAE.
        transform: `(key, stored example) -> x`; with `seed` it draws as in `over_examples`.
        num_samples: K ≥ 1, the number of samples; 5,000 in most papers.
        seed: Seed of the evaluation's own randomness.
        num_at_once: Number of decoded samples in memory at once.

    Returns:
        A function `(params, stored examples) -> LogLikelihood`.

    Raises:
        ValueError: If `num_samples` is below one.

    Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, section 5 (there with K = 5,000).
    """
    return log_likelihood_of(
        lambda params: Fitted(bind(params), elbo, transform),
        num_samples=num_samples,
        seed=seed,
        num_at_once=num_at_once,
    )


def log_likelihood_of(
    fit: Fit, *, num_samples: int, seed: int = 0, num_at_once: int = 2_000
) -> Callable[[Params, Examples], LogLikelihood]:
    """`importance_sampled_log_likelihood` for a `Fit`."""
    if num_samples < 1:
        raise ValueError(f"expected num_samples of at least 1; got {num_samples}")
    chunk_size = min(num_samples, num_at_once)
    num_chunks, rest = divmod(num_samples, chunk_size)
    chunk_sizes = [chunk_size] * num_chunks + [rest] * bool(rest)

    def of_one(params: Params, example: Any, index: Array, chunk: Array, size: int) -> Float[Array, " size"]:
        transform_key, key = example_keys(seed, index)
        return log_weights(fit, transform_key, jax.random.fold_in(key, chunk), params, example, size)

    # Chunks are added by calls from Python: inside a compiled loop, convolutions on a CPU are several times slower.
    def add_chunk(
        sums: tuple[Array | np.ndarray, Array | np.ndarray],
        params: Params,
        examples: Any,
        indices: Int[Array, " batch"],
        chunk: Array,
        size: int,
    ) -> tuple[Array, Array]:
        weights = jax.vmap(lambda example, index: of_one(params, example, index, chunk, size))(examples, indices)
        of_weights, of_squares = sums
        return (
            jnp.logaddexp(of_weights, logsumexp(weights, axis=1)),
            jnp.logaddexp(of_squares, logsumexp(2 * weights, axis=1)),
        )

    add_chunk_compiled = jax.jit(add_chunk, static_argnames="size")

    def estimate(params: Params, examples: Examples) -> LogLikelihood:
        batch_size = max(1, min(len(examples), num_at_once // chunk_size))
        results, skipped = [], []
        for start in range(0, len(examples), batch_size):
            first = min(start, len(examples) - batch_size)  # the last batch overlaps the one before: one shape
            batch, indices = examples[first : first + batch_size], np.arange(first, first + batch_size)
            # In NumPy, since JAX under `jax_debug_infs` stops at an infinity that it makes itself.
            sums = (np.full(batch_size, -np.inf, jnp.result_type(float)),) * 2
            for chunk, size in enumerate(chunk_sizes):
                sums = add_chunk_compiled(sums, params, batch, indices, chunk, size=size)
            # A batch is fetched when the next one is under way, so the device does not wait for Python.
            results[-1:] = jax.device_get(results[-1:])
            results.append(sums)
            skipped.append(start - first)
        own = [[total[skip:] for total in sums] for sums, skip in zip(jax.device_get(results), skipped, strict=True)]
        of_weights, of_squares = (np.concatenate(parts) for parts in zip(*own, strict=True))
        # Weights that are all zero are equal, too: their effective sample size is K.
        equal = np.full_like(of_weights, np.log(num_samples))
        log_size = np.subtract(2 * of_weights, of_squares, out=equal, where=np.isfinite(of_weights))
        return LogLikelihood(of_weights - np.log(num_samples), np.clip(np.exp(log_size), 1, num_samples))

    return estimate


def log_weights(
    fit: Fit, transform_key: Key, key: Key, params: Params, stored: Any, num_samples: int
) -> Float[Array, " num_samples"]:
    """log p(x|zₖ) + log p(zₖ) − log q(zₖ|x), zₖ ~ q(z|x), of one stored example."""
    vae, x = fit(params).at(transform_key, stored)
    return over_draws(key, vae, x, num_samples, lambda draw: draw.likelihood.log_prob(x) - sampled_kl(draw))
