"""The number format in which log-densities are computed and samples are drawn."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

# Some accelerators multiply float32 matrices with 10 bits unless they are told not to.
exact_matmul = functools.partial(jnp.matmul, precision="highest")


def at_least_float32(*arrays: ArrayLike | None) -> list[Array]:
    """The arrays in one common format, float32 or wider: sums in bfloat16 lose their second digit.

    An array that is None is left out.

    Example:
        >>> at_least_float32(jnp.ones(2, jnp.bfloat16), 1)[0].dtype
        dtype('float32')
    """
    present = [array for array in arrays if array is not None]
    dtype = jnp.promote_types(jnp.result_type(*present), jnp.float32)
    return [jnp.asarray(array, dtype) for array in present]
