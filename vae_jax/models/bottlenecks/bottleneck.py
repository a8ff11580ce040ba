"""The interface between a finite set of codes and the networks on either side of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vae_jax.distributions import Quantised
from vae_jax.types import Key, Params


class Bottleneck(NamedTuple):
    """A finite set of codes between an encoder and a decoder, each a vector of `size` numbers.

    Places stand before that axis: `(7, 7, size)` is a grid of them. Every function is of one example.
    """

    size: int
    """Numbers that encoder and decoder have for each place."""
    num_codes: int
    """Number of codes to choose from."""
    init: Callable[[Key], Params]
    """key -> its parameters; `()` for none."""
    quantise: Callable[[Params, Float[Array, "*place size"]], Quantised]
    """(its parameters, the encoder's output) -> the codes nearest to it."""
    look_up: Callable[[Params, Int[Array, "*place"]], Float[Array, "*event"]]
    """(its parameters, codes) -> their vectors, as `quantise` gives them."""
    find: Callable[[Params, Float[Array, "*event"]], Int[Array, "*place"]]
    """(its parameters, vectors of codes) -> the codes."""
    read: Callable[[Float[Array, "*event"]], Float[Array, "*place size"]] = lambda vectors: vectors
    """Vectors -> the decoder's input."""
    after: Callable[[Params, Any], Params] | None = None
    """(its parameters, the `codes` and `inputs` of the whole batch) -> parameters, as `Model.after`; None for no
    change beside the optimizer's."""
    num_quantisers: int = 1
    """Number of codes for each place, along the last axis of an array of codes where there are several."""

    def codes_shape(self, places: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the codes of one example."""
        return places if self.num_quantisers == 1 else (*places, self.num_quantisers)


def nearest(codebook: Float[Array, "code size"], vectors: Float[Array, "*place size"]) -> Int[Array, "*place"]:
    """The number of the codebook's vector at the smallest distance from each.

    Example:
        >>> nearest(jnp.array([[0.0], [1.0]]), jnp.array([[0.2], [0.9]])).tolist()
        [0, 1]
    """
    # The square of the vector itself is the same for all codes; the rest is one matrix product.
    return jnp.argmin(jnp.square(codebook).sum(axis=-1) - 2 * vectors @ codebook.T, axis=-1)
