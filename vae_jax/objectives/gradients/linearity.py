"""The dependence of an objective's value on log q(z|x), for the estimators that do without a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

from vae_jax.objectives.over_draws import split_over_draws
from vae_jax.types import Key
from vae_jax.vae import VAE, Draw, draw


def is_linear_in_log_posterior(
    key: Key, vae: VAE, x: Any, num_samples: int, terms: Callable[[Draw], Any], value: Callable[[Any], Scalar]
) -> bool:
    """Whether `value(terms of all draws)` is linear in log q(zₖ|x), or free of it, for z held fixed.

    Then the weight of each score is a constant, and its product with the score has expectation zero: Σₖ cₖ log qₖ, as
    in the mean of a sampled KL. The traced program shows it, and nothing is computed.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.
        num_samples: K ≥ 1.
        terms: The terms that one draw contributes.
        value: The objective, a function of the terms of all draws.

    Raises:
        ValueError: If `num_samples` is below one.
    """
    keys = split_over_draws(key, num_samples)

    def of(log_posteriors: Any) -> Scalar:
        def of_draw(key: Key, log_posterior: Scalar) -> Any:
            return terms(draw(key, vae, x)._replace(log_posterior=log_posterior))

        return value(jax.vmap(of_draw)(keys, log_posteriors))

    def transposed() -> Any:
        at = jnp.zeros(num_samples)
        transpose, of_value = jax.linear_transpose(of, at), jax.eval_shape(of, at)
        try:
            return transpose(jnp.zeros(of_value.shape, of_value.dtype))
        except (NotImplementedError, AssertionError):  # how JAX says that a program is not linear
            return None

    return jax.eval_shape(transposed) is not None
