"""The codes of a whole batch, with which objectives that couple its examples begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.axis import keys_of_share
from vae_jax.objectives.over_draws import over_draws
from vae_jax.types import Key
from vae_jax.vae import VAE, Conditional, Draw, at_example


def over_codes(
    key: Key, vae: VAE | Conditional, batch: Any, of: Callable[[Draw, Any], Any], axis_name: str | None = None
) -> Any:
    """`of(draw, x)` for one draw from q(z|x) for every example, with the noise that `over_batch(elbo)` has.

    Args:
        key: A random key.
        vae: The model, parameters bound.
        batch: The examples, along the first axis.
        of: The function of a draw and its example to compute.
        axis_name: Name of the axis of devices that the batch is spread over.

    Returns:
        The results of `of`, each array with a leading axis of the batch (of this device's share of it).
    """

    def of_one(key: Key, example: Any) -> Any:
        of_example, x = at_example(vae, example)
        return jax.tree.map(lambda array: array[0], over_draws(key, of_example, x, 1, lambda draw: of(draw, x)))

    return jax.vmap(of_one)(keys_of_share(key, batch, axis_name), batch)


def as_matrix(codes: Float[Array, "batch *latent"]) -> Float[Array, "batch size"]:
    """Codes as a matrix, one per row, in float32 at least.

    Example:
        >>> as_matrix(jnp.zeros((5, 2, 3), jnp.bfloat16))
        Array([[0., 0., 0., 0., 0., 0.],
               ...
               [0., 0., 0., 0., 0., 0.]], dtype=float32)
    """
    return codes.reshape(len(codes), -1).astype(jnp.promote_types(codes.dtype, jnp.float32))
