"""Parts of the parameters that no gradient trains: the codebook of moving averages, batch statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

import jax

from vae_jax.pytree import register_dataclass
from vae_jax.types import Params


@register_dataclass
@dataclass(frozen=True)
class Untrained:
    """A part of the parameters that no gradient trains and no optimizer sees.

    It is saved, bound, evaluated, averaged and resumed as all parameters are. `Model.after` says how it changes after a
    step; without `after` it stays as it is, which freezes what it holds.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> from vae_jax.distributions import Normal, standard_normal
        >>> from vae_jax.objectives import elbo, over_batch
        >>> from vae_jax.training import trainer
        >>> from vae_jax.vae import VAE, Model
        >>> def init(key):
        ...     return {"weight": jnp.ones(()), "mean": Untrained(jnp.zeros(()))}
        >>> def bind(params):
        ...     mean = params["mean"].value
        ...     return VAE(lambda x: Normal(params["weight"] * (x - mean), 1.0), lambda z: Normal(z + mean, 1.0),
        ...                standard_normal(2))
        >>> def after(params, seen):
        ...     return params | {"mean": Untrained(0.9 * params["mean"].value + 0.1 * seen["x"].mean())}
        >>> def seeing(key, vae, x):
        ...     return *elbo(key, vae, x), {"x": x}
        >>> ascent = trainer(Model(init, bind, after), over_batch(seeing), optax.adam(1e-3))
        >>> state, metrics = ascent.step(ascent.init(jax.random.key(0)), jnp.full((4, 2), 5.0))
        >>> print(f"{state.params['mean'].value:.2f}")
        0.50
    """

    value: Any
    """Arrays, of any type."""


def trained_part(params: Params) -> Params:
    """The parameters that a gradient trains: the tree with None in place of each `Untrained`."""
    return jax.tree.map(lambda leaf: None if _is_untrained(leaf) else leaf, params, is_leaf=_is_untrained)


def with_trained_part(params: Params, trained: Params) -> Params:
    """Parameters with another trained part, and their own `Untrained` parts."""
    return jax.tree.map(lambda own, other: own if _is_untrained(own) else other, params, trained, is_leaf=_is_untrained)


def values_of(params: Params) -> Any:
    """Parameters with each `Untrained` replaced by what it holds."""
    return jax.tree.map(lambda leaf: leaf.value if _is_untrained(leaf) else leaf, params, is_leaf=_is_untrained)


def _is_untrained(node: Any) -> TypeGuard[Untrained]:
    return isinstance(node, Untrained)
