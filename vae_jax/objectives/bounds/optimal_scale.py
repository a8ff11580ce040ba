"""The Gaussian noise that is best for a batch: σ-VAE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

from vae_jax.axis import keys_of_share, mean_over
from vae_jax.distributions import Normal
from vae_jax.objectives.batch import over_batch
from vae_jax.objectives.over_draws import over_draws
from vae_jax.stated import coupled
from vae_jax.types import BatchObjective, Distribution, Key, Objective, Values
from vae_jax.vae import VAE, Conditional, at_example, of_each_vae


def over_batch_with_optimal_scale(
    objective: Objective, **schedules: Callable[[Scalar | int], float | Scalar]
) -> BatchObjective:
    """`over_batch(objective)` at the scale of the Gaussian noise that is most likely for the batch's errors.

    σ*² = (1/(N d)) Σ ‖x − μ(z)‖², z ~ q(z|x), over the N examples of the batch: the squared error then needs no weight.
    For the ELBO it is −(N d/2) (log 2πe σ*²) − Σ KL over the batch, with one sample for each example.

    The model's own scale of the noise, a parameter, is trained beside it, by its own likelihood of the same errors. The
    model is evaluated with that scale: σ* of the test data would be chosen by what it is to predict, and with a σ* for
    each example p(x|z) would not integrate to one. Both agree where training ends.

    Args:
        objective: A function `(key, vae, x, *, ...) -> (value, metrics)` of one example.
        **schedules: As in `over_batch`.

    Returns:
        A function `(key, vae, batch, step) -> (values, metrics)` like that of `over_batch`, with the metric
        `optimal_scale`, σ*. The likelihood is `gaussian_with_learned_scale`.

    Raises:
        TypeError: If the likelihood is not Normal with one scale for all of x; or as in `over_batch`.

    Source: Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202, the optimal σ-VAE.
    Differs from the paper: there σ has no value of its own to evaluate with.
    """
    lifted = over_batch(objective, **schedules)

    @coupled
    def batch_objective(
        key: Key, vae: VAE | Conditional, batch: Any, step: Scalar | int, /, *, axis_name: str | None = None
    ) -> Values:
        # With the keys of `over_batch`, so that these are the errors of an objective of one sample, computed once.
        keys = keys_of_share(key, batch, axis_name)

        def likelihood_and_x(key: Key, example: Any) -> tuple[Normal, Any]:
            of_example, x = at_example(vae, example)
            return over_draws(key, of_example, x, 1, lambda draw: _one_scale(draw.likelihood)), x

        likelihoods, x = jax.vmap(likelihood_and_x)(keys, batch)
        of_draw = jax.tree.map(lambda array: array[:, 0], likelihoods)
        means = jax.lax.stop_gradient(of_draw.loc)
        # At the optimum the gradient in σ is zero, so holding it leaves the gradient in all else as it is.
        scale = jnp.sqrt(mean_over(jnp.mean(jnp.square(x - means), dtype=jnp.float32), axis_name))
        values, metrics, *seen = lifted(keys, of_each_vae(lambda vae: _with_scale(vae, scale), vae), batch, step)
        own = jax.vmap(lambda mean, scale, x: Normal(mean, scale).log_prob(x))(means, of_draw.scale, x)
        # This adds nothing to the value, only the gradient of the model's own scale.
        metrics |= {"optimal_scale": jnp.full(len(own), scale)}
        values += own - jax.lax.stop_gradient(own)
        return (values, metrics, seen[0]) if seen else (values, metrics)

    return batch_objective


def _with_scale(vae: VAE, scale: Scalar) -> VAE:
    def with_scale(likelihood: Distribution) -> Normal:
        return Normal(_one_scale(likelihood).loc, scale)

    return vae._replace(likelihood=lambda z: with_scale(vae.likelihood(z)))


def _one_scale(likelihood: Distribution) -> Normal:
    if not isinstance(likelihood, Normal) or jnp.ndim(likelihood.scale) != 0:
        got = type(likelihood).__name__
        got += f" with scales of shape {jnp.shape(likelihood.scale)}" if isinstance(likelihood, Normal) else ""
        raise TypeError(
            f"expected a Normal likelihood with one scale for all of x, to replace by the optimal one; got {got}; "
            "use likelihoods.gaussian_with_learned_scale"
        )
    return likelihood
