"""L Monte-Carlo samples of one example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vae_jax.types import Key
from vae_jax.vae import VAE, Draw, draw


def over_draws(key: Key, vae: VAE, x: Any, num_samples: int, of: Callable[[Draw], Any]) -> Any:
    """`of(draw)` for `num_samples` independent draws from q(z|x).

    Only z depends on the key, so the encoder is evaluated once, not once per draw.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        x: One example.
        num_samples: The number of draws, ≥ 1.
        of: The function of one draw to compute.

    Returns:
        The results of `of`, each array with a leading axis of `num_samples`.

    Raises:
        ValueError: If `num_samples` is below one.
    """
    keys = split_over_draws(key, num_samples)
    if num_samples == 1:  # without an axis of one inside, which XLA's CPU loops pay for
        return jax.tree.map(lambda array: jnp.asarray(array)[None], of(draw(keys[0], vae, x)))
    return jax.vmap(lambda key: of(draw(key, vae, x)))(keys)


def split_over_draws(key: Key, num_samples: int) -> Array:
    """One key for each draw.

    Raises:
        ValueError: If `num_samples` is below one.
    """
    if num_samples < 1:
        raise ValueError(f"expected num_samples of at least 1; got {num_samples}")
    return jax.random.split(key, num_samples)
