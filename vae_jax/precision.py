"""The number format in which log-densities are computed and samples are drawn."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
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


def constants(like: Array, *arrays: np.ndarray) -> list[Array]:
    """NumPy constants, such as the nodes of a quadrature, in the number format of an array.

    A function that closes over a float64 NumPy array can be jitted in one precision only: in the other it fails in the
    compiler (jax 0.10 to 0.12).

    Args:
        like: The array whose format is taken.
        arrays: The constants.

    Example:
        >>> constants(jnp.ones(2), np.arange(2.0))[0].dtype
        dtype('float32')
    """
    return [jnp.asarray(array, like.dtype) for array in arrays]
