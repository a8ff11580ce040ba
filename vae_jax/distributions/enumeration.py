"""Every state of a discrete distribution, for exact expectations."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.distributions.bernoulli import Bernoulli
from vae_jax.distributions.categorical import Categorical


def enumerate_states(
    distribution: Bernoulli | Categorical, *, max_num_states: int = 65_536
) -> tuple[Float[Array, "state *event"], Float[Array, " state"]]:
    """All events of a discrete distribution and their log-probabilities: Σ exp(log_probs) · f(states) is exactly E[f].

    Args:
        distribution: A distribution over few states: 2ⁿ for n binary variables, Kⁿ for n variables of K categories.
        max_num_states: The largest number of states that is allowed.

    Returns:
        The events along a leading axis, the last variable changing fastest, and log-probabilities in nats, which are
        differentiable in the logits.

    Raises:
        TypeError: If the distribution is neither a `Bernoulli` nor a `Categorical`.
        ValueError: If it has more states than `max_num_states`.

    Example:
        >>> states, log_probs = enumerate_states(Bernoulli(jnp.zeros(2)))
        >>> states.tolist(), log_probs.round(3).tolist()
        ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [-1.38..., -1.38..., -1.38..., -1.38...])
    """
    if not isinstance(distribution, Bernoulli | Categorical):
        raise TypeError(
            f"expected a Bernoulli or a Categorical; got {type(distribution).__name__}, whose states cannot be listed; "
            "estimate the expectation from samples"
        )
    shape = jnp.shape(distribution.logits)
    binary = isinstance(distribution, Bernoulli)
    num_values, variables = (2, shape) if binary else (shape[-1], shape[:-1])
    num_states = num_values ** math.prod(variables)
    if num_states > max_num_states:
        raise ValueError(
            f"expected at most {max_num_states} states to enumerate; got {num_values}^{math.prod(variables)}; "
            "use fewer variables, raise max_num_states, or estimate the expectation from samples"
        )
    # The digits of 0, 1, ... in base `num_values`, most significant first.
    places = num_values ** jnp.arange(math.prod(variables))[::-1]
    digits = (jnp.arange(num_states)[:, None] // places % num_values).reshape(num_states, *variables)
    dtype = jnp.result_type(distribution.logits, float)
    states = digits.astype(dtype) if binary else jax.nn.one_hot(digits, num_values, dtype=dtype)
    return states, jax.vmap(distribution.log_prob)(states)
