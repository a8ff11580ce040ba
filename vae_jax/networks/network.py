"""A network is two pure functions. Flax Linen, Flax NNX and Equinox modules are made into networks here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as flax_linen
from jaxtyping import Array

from vae_jax.extras import told_if_missing
from vae_jax.types import Key, Params
from vae_jax.untrained import Untrained, values_of

if TYPE_CHECKING:
    from flax import nnx as flax_nnx


class Network(NamedTuple):
    """A parametrised function of ONE example, with no state of its own. Any two such functions make a `Network`."""

    init: Callable[[Key], Params]
    """key -> parameters."""
    apply: Callable[[Params, Any], Array]
    """(parameters, input) -> output, without batch axes."""


def linen(module: flax_linen.Module, input_shape: tuple[int, ...]) -> Network:
    """A Flax Linen module as a `Network`.

    Args:
        module: A module that takes one array of `input_shape`; only `init` and `apply` are used.
        input_shape: The shape of one example, without a batch axis.

    Raises:
        ValueError: If the module keeps mutable state (as BatchNorm does), which a pure function cannot have.
    """

    def init(key: Key) -> Params:
        variables = module.init(key, jnp.zeros(input_shape))
        state = sorted(set(variables) - {"params"})
        if state:
            raise ValueError(
                f"expected a module whose only variables are parameters; got {type(module).__name__} with the "
                f"mutable collection {state[0]!r}; use LayerNorm or GroupNorm where it has BatchNorm"
            )
        return variables.get("params", {})

    def apply(params: Params, x: Array) -> Array:
        return module.apply({"params": params}, x)  # pyright: ignore[reportReturnType]

    return Network(init, apply)


def nnx(make: Callable[[flax_nnx.Rngs], flax_nnx.Module]) -> Network:
    """A Flax NNX module as a `Network`.

    Args:
        make: A function from random streams to a module that takes one example.

    Raises:
        ValueError: If the module keeps mutable state beside its `nnx.Param`s.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flax import nnx as flax_nnx
        >>> network = nnx(lambda rngs: flax_nnx.Linear(3, 2, rngs=rngs))
        >>> network.apply(network.init(jax.random.key(0)), jnp.ones(3)).shape
        (2,)
    """
    from flax import nnx as flax_nnx  # half a second, which a network in Linen need not wait for

    abstract = flax_nnx.eval_shape(lambda: make(flax_nnx.Rngs(params=0)))
    graph, _, rest = flax_nnx.split(abstract, flax_nnx.Param, ...)
    if jax.tree.leaves(rest):
        raise ValueError(
            "expected an NNX module whose only variables are nnx.Param; got other state beside them; "
            "use layers without random streams or running statistics of their own"
        )

    def init(key: Key) -> Params:
        return flax_nnx.to_pure_dict(flax_nnx.state(make(flax_nnx.Rngs(params=key)), flax_nnx.Param))

    def apply(params: Params, x: Array) -> Array:
        return flax_nnx.merge(graph, flax_nnx.State(params), rest)(x)

    return Network(init, apply)


def equinox(make: Callable[[Key], Callable[[Any], Array]]) -> Network:
    """An Equinox module as a `Network`.

    Args:
        make: A function from a key to a module that takes one example. The module's arrays are the parameters; those
            that are not floating-point (masks, permutations) are `Untrained`.

    Raises:
        ModuleNotFoundError: If Equinox is not installed.

    Example:
        >>> import equinox as eqx, jax, jax.numpy as jnp
        >>> network = equinox(lambda key: eqx.nn.Linear(3, 2, key=key))
        >>> network.apply(network.init(jax.random.key(0)), jnp.ones(3)).shape
        (2,)
    """
    with told_if_missing():
        import equinox as eqx

    def init(key: Key) -> Params:
        arrays = eqx.filter(make(key), eqx.is_array)
        return jax.tree.map(lambda leaf: leaf if eqx.is_inexact_array(leaf) else Untrained(leaf), arrays)

    # Whatever is not an array (sizes, activation functions) is the same for every key.
    _, static = eqx.partition(make(jax.random.key(0)), eqx.is_array)

    def apply(params: Params, x: Array) -> Array:
        return eqx.combine(values_of(params), static)(x)

    return Network(init, apply)
