"""Networks of several inputs, such as an example and its condition."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.networks.network import Network
from vae_jax.types import Key, Params


def joined(network: Network, first: Network | None = None) -> Network:
    """The network of a pair (a, b): `network` of the two, each flattened, one behind the other.

    Args:
        network: From a vector, as long as a and b together.
        first: A network that a goes through before it meets b, such as convolutions of an image; None for a itself.
            Under a `jax.vmap` over b alone, it is computed once.

    Example:
        >>> from vae_jax.networks import mlp
        >>> pair = joined(mlp((8 + 3,), (4,)), first=mlp((28, 28), (8,)))
        >>> pair.apply(pair.init(jax.random.key(0)), (jnp.zeros((28, 28)), jnp.zeros(3))).shape
        (4,)
    """

    def init(key: Key) -> Params:
        if first is None:
            return network.init(key)
        first_key, key = jax.random.split(key)
        return {"first": first.init(first_key), "joined": network.init(key)}

    def apply(params: Params, pair: tuple[Any, Any]) -> Array:
        a, b = pair
        if first is not None:
            a, params = first.apply(params["first"], a), params["joined"]
        return network.apply(params, jnp.concatenate([jnp.ravel(a), jnp.ravel(b)]))

    return Network(init, apply)


def of_first(network: Network) -> Network:
    """The network of a pair that looks at the first of the two alone: a decoder that is not told the condition."""
    return Network(network.init, lambda params, pair: network.apply(params, pair[0]))
