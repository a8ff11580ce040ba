"""Networks one after another: different ones, or one block many times in a loop that is compiled once."""

from __future__ import annotations

from typing import Any

import jax
from jax import lax
from jaxtyping import Array

from vae_jax.networks.network import Network
from vae_jax.types import Key, Params


def in_sequence(**networks: Network) -> Network:
    """A network that passes its input to the first of these networks, and the output of each to the next.

    Args:
        networks: The networks, by the names that their parameters get.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.networks.mlp import mlp
        >>> network = in_sequence(shrink=mlp((8,), (2,)), stretch=mlp((2,), (8,)))
        >>> params = network.init(jax.random.key(0))
        >>> sorted(params), network.apply(params, jnp.ones(8)).shape
        (['shrink', 'stretch'], (8,))
    """

    def init(key: Key) -> Params:
        keys = jax.random.split(key, len(networks))
        return {name: network.init(key) for key, (name, network) in zip(keys, networks.items(), strict=True)}

    def apply(params: Params, x: Any) -> Array:
        for name, network in networks.items():
            x = network.apply(params[name], x)
        return x

    return Network(init, apply)


def repeated(block: Network, num: int, *, rematerialise: bool = False) -> Network:
    """A block applied `num` times, each time with parameters of its own.

    The parameters are the block's with a leading axis of `num`, and one loop runs over them: the block is traced and
    compiled once, however often it is applied. A wrapper that looks at a whole matrix, as `with_spectral_norm` does,
    goes around the block and not around the result.

    Args:
        block: A network whose output has the shape and the type of its input.
        num: The number of times, ≥ 1.
        rematerialise: Keep only each block's input for the backward pass and compute its inside again there: this saves
            memory in a deep network, for at most a third more computation.

    Raises:
        ValueError: If `num` is below 1; or, by `apply`, if the block changes the shape or type of its input.

    Source: Chen, Xu, Zhang & Guestrin 2016, arXiv:1604.06174, section 4, for the rematerialisation.

    Example:
        >>> import jax.numpy as jnp
        >>> from vae_jax.networks.mlp import mlp
        >>> network = repeated(mlp((3,), (3,), (5,)), 7)
        >>> params = network.init(jax.random.key(0))
        >>> params["Dense_0"]["kernel"].shape, network.apply(params, jnp.ones(3)).shape
        ((7, 3, 5), (3,))
    """
    if num < 1:
        raise ValueError(f"expected a block that is applied once or more; got {num} times; leave it out for none")

    def once(x: Array, params: Params) -> tuple[Array, None]:
        output = block.apply(params, x)
        if (output.shape, output.dtype) != (x.shape, x.dtype):
            raise ValueError(
                f"expected a block whose output is like its input, {x.dtype} of shape {x.shape}; got {output.dtype} of "
                f"shape {output.shape}; change its sizes, or put networks that differ into `in_sequence`"
            )
        return output, None

    # A loop is barrier enough: the compiler cannot share a block's two computations between two loops.
    step = jax.checkpoint(once, prevent_cse=False) if rematerialise else once

    def init(key: Key) -> Params:
        return jax.vmap(block.init)(jax.random.split(key, num))

    def apply(params: Params, x: Array) -> Array:
        return lax.scan(step, x, params)[0]

    return Network(init, apply)
