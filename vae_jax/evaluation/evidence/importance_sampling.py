"""The log-likelihood, by importance sampling, in bounded memory and over the whole machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from vae_jax.data.examples import Examples
from vae_jax.distributions import Normal
from vae_jax.evaluation.every_example import example_keys, over_stored
from vae_jax.evaluation.evidence.flat import flat
from vae_jax.evaluation.evidence.weights import LogLikelihood, of_weights
from vae_jax.evaluation.fitted import Fit, Fitted
from vae_jax.objectives import elbo, over_draws, sampled_kl
from vae_jax.types import Key, Params
from vae_jax.vae import VAE


class Propose(Protocol):
    """A distribution to draw from that is found for each example alone, as `fitted_proposal` does."""

    def __call__(self, key: Key, vae: VAE, x: Any) -> Normal:
        """A normal over the latents as one vector."""
        ...


def importance_sampled_log_likelihood(
    bind: Callable[[Params], VAE],
    transform: Callable[[Key, Any], Any],
    *,
    num_samples: int,
    seed: int = 0,
    num_at_once: int = 2_000,
    propose: Propose | None = None,
) -> Callable[[Params, Examples], LogLikelihood]:
    """log (1/K) Σₖ p(x|zₖ) p(zₖ) / q(zₖ|x), zₖ ~ q(z|x): the estimate that papers print as "NLL, K samples".

    Samples are decoded in chunks, so the memory of the device is bounded by `num_at_once` of them whatever K is.

    Args:
        bind: parameters -> VAE.
        transform: `(key, stored example) -> x`; with `seed` it draws as in `over_examples`.
        num_samples: K ≥ 1, the number of samples; 5,000 in most papers.
        seed: Seed of the evaluation's own randomness.
        num_at_once: Number of decoded samples in memory at once.
        propose: Finds the q(z|x) of an example that samples are drawn from, such as `fitted_proposal`; None for the
            encoder's.

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
        propose=propose,
    )


def log_likelihood_of(
    fit: Fit, *, num_samples: int, seed: int = 0, num_at_once: int = 2_000, propose: Propose | None = None
) -> Callable[[Params, Examples], LogLikelihood]:
    """`importance_sampled_log_likelihood` for a `Fit`."""
    if num_samples < 1:
        raise ValueError(f"expected num_samples of at least 1; got {num_samples}")
    chunk_size = min(num_samples, num_at_once)
    num_chunks, rest = divmod(num_samples, chunk_size)
    chunk_sizes = [chunk_size] * num_chunks + [rest] * bool(rest)

    def of_one(
        params: Params, example: Any, index: Array, chunk: Array, proposal: Normal | None, size: int
    ) -> Float[Array, " size"]:
        transform_key, key = example_keys(seed, index)
        return log_weights(fit, transform_key, jax.random.fold_in(key, chunk), params, example, size, proposal)

    # Chunks are drawn by calls from Python: inside a compiled loop, convolutions on a CPU are several times slower.
    def of_chunk(
        params: Params, examples: Any, indices: Int[Array, " batch"], proposals: Any, chunk: Array, size: int
    ) -> Float[Array, "batch size"]:
        return jax.vmap(lambda example, index, proposal: of_one(params, example, index, chunk, proposal, size))(
            examples, indices, proposals
        )

    of_chunk_compiled = jax.jit(of_chunk, static_argnames="size")
    proposals_of = None if propose is None else over_stored(_proposed(fit, propose), seed=seed)

    def estimate(params: Params, examples: Examples) -> LogLikelihood:
        proposals = None if proposals_of is None else proposals_of(params, examples)
        batch_size = max(1, min(len(examples), num_at_once // chunk_size))
        summed, under_way, skipped = [], [], 0

        def sum_up() -> None:
            summed.append(of_weights(np.concatenate(jax.device_get(under_way), axis=1)[skipped:]))

        for start in range(0, len(examples), batch_size):
            first = min(start, len(examples) - batch_size)  # the last batch overlaps the one before: one shape
            rows = slice(first, first + batch_size)
            batch, indices = examples[rows], np.arange(first, first + batch_size)
            own = jax.tree.map(lambda array, rows=rows: array[rows], proposals)
            chunks = [
                of_chunk_compiled(params, batch, indices, own, chunk, size=size)
                for chunk, size in enumerate(chunk_sizes)
            ]
            if under_way:  # when the next batch is, so the device does not wait for Python
                sum_up()
            under_way, skipped = chunks, start - first
        sum_up()
        return LogLikelihood(*(np.concatenate(parts) for parts in zip(*summed, strict=True)))

    return estimate


def _proposed(fit: Fit, propose: Propose) -> Callable[[Key, Key, Params, Any], Normal]:
    def proposed(transform_key: Key, key: Key, params: Params, stored: Any) -> Normal:
        vae, x = fit(params).at(transform_key, stored)
        return propose(key, vae, x)

    return proposed


def log_weights(
    fit: Fit,
    transform_key: Key,
    key: Key,
    params: Params,
    stored: Any,
    num_samples: int,
    proposal: Normal | None = None,
) -> Float[Array, " num_samples"]:
    """log p(x|zₖ) + log p(zₖ) − log q(zₖ|x), zₖ ~ q(z|x), of one stored example; of a proposal over z as one vector."""
    vae, x = fit(params).at(transform_key, stored)
    if proposal is None:
        return over_draws(key, vae, x, num_samples, lambda draw: draw.likelihood.log_prob(x) - sampled_kl(draw))
    joint = flat(vae, x)

    def log_weight(key: Key) -> Array:
        z, log_proposal = proposal.sample_and_log_prob(key)
        return joint.log_joint(z) - log_proposal

    return jax.vmap(log_weight)(jax.random.split(key, num_samples))
