"""What no gradient trains, and yet belongs to the parameters: the codebook of moving averages, batch statistics."""

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

    It is saved, bound, evaluated, averaged and resumed as all parameters are. `Model.after` says how it changes behind
    a step; without one it stays as it is, which freezes what it holds.

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
    """The parameters that a gradient trains: with None in the place of each `Untrained`, the same tree without one."""
    return jax.tree.map(lambda leaf: None if _is_untrained(leaf) else leaf, params, is_leaf=_is_untrained)


def with_trained_part(params: Params, trained: Params) -> Params:
    """Parameters whose trained part is another, and whose `Untrained` parts are their own."""
    return jax.tree.map(lambda own, other: own if _is_untrained(own) else other, params, trained, is_leaf=_is_untrained)


def values_of(params: Params) -> Any:
    """Parameters with what each `Untrained` holds in its place."""
    return jax.tree.map(lambda leaf: leaf.value if _is_untrained(leaf) else leaf, params, is_leaf=_is_untrained)


def _is_untrained(node: Any) -> TypeGuard[Untrained]:
    return isinstance(node, Untrained)
