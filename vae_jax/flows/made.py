"""MADE: dense layers, masked so that output i sees the inputs before i only."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vae_jax.flows.dense import dense, init_dense
from vae_jax.types import Key, Params


def init_made(key: Key, size: int, context_size: int, hidden_sizes: Sequence[int], num_outputs: int) -> Params:
    """Parameters of `made`; they start at an output of zero.

    Args:
        key: A random key.
        size: d, the size of the vector.
        context_size: Size of the context, which every output sees; 0 for none.
        hidden_sizes: Widths of the hidden layers.
        num_outputs: Number of outputs for each of the d elements.
    """
    return init_dense(key, (size + context_size, *hidden_sizes, size * num_outputs))


def made(
    layers: Params, value: Float[Array, " size"], context: Float[Array, " context"]
) -> Float[Array, "size num_outputs"]:
    """Numbers for each element from the context and the elements before it: row i is a function of value[:i].

    Every unit has a degree: input i has i + 1, the context 0, hidden units take turns, and the outputs of element i
    have i + 1. A hidden unit sees units of its own degree or below; an output sees those below.

    Args:
        layers: Parameters as `init_made` makes them.
        value: A vector of size d.
        context: A vector of any size; empty for none.

    Source: Germain, Gregor, Murray & Larochelle 2015, arXiv:1502.03509, equations 8, 12 and 13.
        Differs from the paper: hidden degrees take turns and are not drawn at random; they begin at 0 where there is a
        context, since only a unit of degree 0 tells the first element about it.
    """
    shapes = [layer["kernel"].shape for layer in layers]
    masks = _masks(value.size, context.size, [shape[1] for shape in shapes[:-1]], shapes[-1][1] // value.size)
    return dense(layers, jnp.concatenate([value, context]), masks).reshape(value.size, -1)


def _masks(size: int, context_size: int, hidden_sizes: Sequence[int], num_outputs: int) -> list[Array]:
    lowest = 0 if context_size else min(1, size - 1)
    degrees = [np.concatenate([np.arange(1, size + 1), np.zeros(context_size, int)])]
    degrees += [lowest + np.arange(width) % (size - lowest) for width in hidden_sizes]
    masks = [to[None, :] >= of[:, None] for of, to in itertools.pairwise(degrees)]
    output_degrees = np.repeat(np.arange(1, size + 1), num_outputs)
    return [jnp.asarray(mask, jnp.float32) for mask in [*masks, output_degrees[None, :] > degrees[-1][:, None]]]
