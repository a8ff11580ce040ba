"""The conditioner of a flow: dense layers as a pure function of their parameters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vae_jax.types import Key, Params


def init_dense(key: Key, sizes: Sequence[int]) -> Params:
    """Parameters of dense layers: Glorot-uniform, the last layer zero, so that a flow begins as the identity.

    Args:
        key: A random key.
        sizes: Sizes of the input, of each hidden layer, and of the output.

    Returns:
        `{"kernel", "bias"}` for each layer.
    """
    *hidden, last = [
        {"kernel": jax.nn.initializers.glorot_uniform()(layer_key, shape), "bias": jnp.zeros(shape[1])}
        for layer_key, shape in zip(jax.random.split(key, len(sizes) - 1), itertools.pairwise(sizes), strict=True)
    ]
    return [*hidden, jax.tree.map(jnp.zeros_like, last)]


def dense(
    layers: Params, value: Float[Array, " input"], masks: Sequence[Float[Array, "input output"]] | None = None
) -> Float[Array, " output"]:
    """The layers with an exponential linear unit between them, as in the code of Kingma et al. 2016.

    Args:
        layers: Parameters as `init_dense` makes them.
        value: The input.
        masks: Zeros and ones for each kernel, ones at the inputs that an output may see; None for all.
    """
    for index, layer in enumerate(layers):
        kernel = layer["kernel"] if masks is None else layer["kernel"] * masks[index].astype(layer["kernel"].dtype)
        value = value @ kernel + layer["bias"]
        if index < len(layers) - 1:
            value = jax.nn.elu(value)
    return value
