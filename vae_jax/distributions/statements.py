"""Properties that families state by class attributes. There are no defaults: a family without them is refused."""

from __future__ import annotations

from typing import Any

import jax


def is_reparametrised(distributions: Any) -> bool:
    """Whether samples are differentiable in the parameters, for a distribution or for all in a pytree.

    Raises:
        TypeError: If a family does not state it by its attribute `is_reparametrised`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import Bernoulli, standard_normal
        >>> is_reparametrised(standard_normal(2)), is_reparametrised((standard_normal(2), Bernoulli(jnp.zeros(2))))
        (True, False)
    """
    return _all_say(distributions, "is_reparametrised", "its samples are differentiable in its parameters")


def has_density(distributions: Any) -> bool:
    """Whether log p is that of a density or of masses, not of certainty, for a distribution or for all in a pytree.

    A `PointMass` has no density, and therefore no KL, no bound and no likelihood of the data.

    Raises:
        TypeError: If a family does not state it by its attribute `has_density`.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.distributions import PointMass, standard_normal
        >>> has_density(standard_normal(2)), has_density(PointMass(jnp.zeros(2)))
        (True, False)
    """
    return _all_say(distributions, "has_density", "its log_prob is that of a density or of masses")


def _all_say(distributions: Any, name: str, meaning: str) -> bool:
    is_factor = lambda node: hasattr(node, "sample") or hasattr(node, name)
    factors = jax.tree.leaves(distributions, is_leaf=is_factor) or [distributions]
    for factor in factors:
        if not hasattr(factor, name):
            raise TypeError(
                f"expected a distribution that says by {name} whether {meaning}; got a {type(factor).__name__}, which "
                f"does not; give the class {name} = True or {name} = False"
            )
    return all(getattr(factor, name) for factor in factors)
