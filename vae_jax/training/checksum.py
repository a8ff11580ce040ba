"""A checksum of arrays, computed where they lie: the same on one device, on many, and on many hosts."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from vae_jax.data.order import mix


def checksum(tree: Any) -> int:
    """32 bits that change where a bit of an array does, or where two numbers change places.

    A sum of numbers, each mixed with its place, modulo 2³²: the order of addition makes no difference.
    """
    of_leaves = np.asarray(jax.device_get([_of_leaf(leaf) for leaf in jax.tree.leaves(tree)]), np.uint32)
    return int(mix(of_leaves + np.arange(len(of_leaves), dtype=np.uint32)).sum(dtype=np.uint32))


@jax.jit
def _of_leaf(leaf: Array) -> UInt32[Array, ""]:
    # A program for each leaf and not for the tree: parameters and their moments share theirs, and so do many runs.
    words = _words(leaf)
    return jnp.sum(mix(words ^ mix(_places(words.shape))), dtype=jnp.uint32)


def _words(leaf: Array) -> UInt32[Array, "..."]:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    if leaf.dtype == jnp.bool_:
        leaf = leaf.astype(jnp.uint8)
    width = min(leaf.dtype.itemsize, 4)  # of 64 bits, two words
    return jax.lax.bitcast_convert_type(leaf, np.dtype(f"uint{8 * width}")).astype(jnp.uint32)


def _places(shape: tuple[int, ...]) -> UInt32[Array, "..."]:
    # Axis by axis: flattening an array that lies in parts would gather it.
    places = jnp.zeros(shape, jnp.uint32)
    for axis in range(len(shape)):
        stride = math.prod(shape[axis + 1 :]) % 2**32
        places += jax.lax.broadcasted_iota(jnp.uint32, shape, axis) * jnp.uint32(stride)
    return places
