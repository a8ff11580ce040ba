"""Estimators of a gradient that need no differentiable sample: for discrete posteriors, or any other.

∇ E_q[f(z)] = E_q[f(z) ∇ log q(z) + ∇f(z)]: each sample's log-probability is reinforced by a signal that says how good
the sample was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from vae_jax.arithmetic import weighted
from vae_jax.objectives.gradients.apart import dot_each, with_slopes
from vae_jax.objectives.gradients.estimators import Terms
from vae_jax.objectives.over_draws import split_over_draws
from vae_jax.types import Key
from vae_jax.vae import VAE, Draw, draw_at


def score_function(
    key: Key, vae: VAE, x: Any, num_samples: int, terms: Callable[[Draw], Terms], value: Callable[[Terms], Scalar]
) -> tuple[Scalar, Terms]:
    """The score-function gradient (REINFORCE) with the value itself as signal: unbiased, and of high variance.

    Raises:
        ValueError: If `num_samples` is below one.

    Source: Williams 1992, Machine Learning 8, pages 229 to 256.
    """
    of_draws, log_posterior, _ = over_fixed_draws(key, vae, x, num_samples, _with_log_posterior(terms))
    estimate = value(of_draws)
    return estimate + reinforced(jnp.broadcast_to(estimate, log_posterior.shape), log_posterior), of_draws


def leave_one_out(
    key: Key, vae: VAE, x: Any, num_samples: int, terms: Callable[[Draw], Terms], value: Callable[[Terms], Scalar]
) -> tuple[Scalar, Terms]:
    """The score-function gradient, with each sample judged against what the others lead one to expect: unbiased.

    The signal of sample k is the value minus the value with the terms of k replaced by the mean of the others'. For
    the ELBO that is (fₖ − mean of the other f)/L, REINFORCE leave-one-out; for the importance-weighted bound, whose
    mean of log-weights is a geometric mean of weights, it is VIMCO.

    Raises:
        ValueError: If there are fewer than two samples.

    Source: Mnih & Rezende 2016, arXiv:1602.06725; Kool, van Hoof & Welling 2019, ICLR workshop on
    deep reinforcement learning meets structured prediction.

    Differs from the paper: the score that the value itself holds (in a sampled KL) gets its weight's baseline too. So
    all signals are zero where all log-weights are equal, at the exact posterior.
    """
    if num_samples < 2:
        raise ValueError(
            f"expected at least 2 samples, of which the others judge each one; got num_samples={num_samples}; "
            "take more, or estimator=score_function"
        )
    of_draws, log_posterior, slopes = over_fixed_draws(key, vae, x, num_samples, _with_log_posterior(terms))
    estimate = value(of_draws)

    def baseline(k: Array) -> Scalar:
        def without(array: Float[Array, "num *term"]) -> Float[Array, "num *term"]:
            is_k = (jnp.arange(num_samples) == k).reshape(-1, *[1] * (array.ndim - 1))
            return jnp.where(is_k, jnp.where(is_k, 0, array).sum(axis=0) / (num_samples - 1), array)

        expected, weights = jax.value_and_grad(value)(jax.tree.map(without, jax.lax.stop_gradient(of_draws)))
        return expected + dot_each(weights, slopes)[k]

    baselines = jax.vmap(baseline)(jnp.arange(num_samples))
    signals = jnp.where(estimate == baselines, 0.0, estimate - baselines)  # both may be −∞
    return estimate + reinforced(signals, log_posterior), of_draws


def reinforced(signals: Float[Array, " num"], log_posterior: Float[Array, " num"]) -> Scalar:
    """Zero, with the gradient Σₖ signalₖ ∇ log q(zₖ|x), infinite signals left out; none flows into the signals."""
    return weighted(log_posterior - jax.lax.stop_gradient(log_posterior), jax.lax.stop_gradient(signals)).sum()


def over_fixed_draws(key: Key, vae: VAE, x: Any, num_samples: int, of: Callable[[Draw], Any]) -> Any:
    """`over_draws` for draws that carry no gradient through z; the densities at z do carry one."""
    posterior = vae.posterior(x)

    def of_fixed(key: Key) -> Any:
        return of(draw_at(jax.lax.stop_gradient(posterior.sample(key)), posterior, vae))

    return jax.vmap(of_fixed)(split_over_draws(key, num_samples))


def _with_log_posterior(terms: Callable[[Draw], Terms]) -> Callable[[Draw], tuple[Terms, Scalar, Any]]:
    def of_draw(draw: Draw) -> tuple[Terms, Scalar, Any]:
        of_one, slopes = with_slopes(terms, draw)
        return of_one, draw.log_posterior, slopes

    return of_draw
