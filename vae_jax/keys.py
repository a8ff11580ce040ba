"""Random keys whose draws do not depend on how many are drawn at once."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from vae_jax.types import Key, Keys


def key_of(seed: Any) -> Key:
    """The threefry key of a seed, which may be traced.

    Under `jax.vmap`, the `rbg` that `jax_default_prng_impl` may name draws for all elements from the first key alone,
    so numbers would depend on the batch size, and lanes would differ from runs (jax.random, "Advanced RNG
    configuration").
    """
    return jax.random.key(seed, impl="threefry2x32")


def typed(key: Any) -> Key | Keys:
    """Typed keys as they are, one or several, or a raw key, from `jax.random.PRNGKey`, as a typed one.

    Raises:
        TypeError: If `key` is not a random key.

    Example:
        >>> typed(jax.random.PRNGKey(3)) == jax.random.key(3)
        Array(True, dtype=bool)
    """
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    if key.dtype != jnp.uint32:
        raise TypeError(f"expected a random key; got {key.dtype} of shape {key.shape}; give jax.random.key(seed)")
    return jax.random.wrap_key_data(key)
