"""The precision that a log-probability is computed in."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike


def at_least_float32(*arrays: ArrayLike | None) -> list[Array]:
    """The arrays in their common type, or in float32 if that is smaller; what is None is left out.

    Example:
        >>> [array.dtype.name for array in at_least_float32(jnp.zeros(2, jnp.bfloat16), 1)]
        ['float32', 'float32']
    """
    present = [array for array in arrays if array is not None]
    dtype = jnp.promote_types(jnp.result_type(*present), jnp.float32)
    return [jnp.asarray(array, dtype) for array in present]
