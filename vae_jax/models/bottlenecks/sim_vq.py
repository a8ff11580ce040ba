"""SimVQ: a fixed codebook under one learned linear map, which moves all vectors together."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.distributions import Quantised
from vae_jax.messages import check_sizes
from vae_jax.models.bottlenecks.bottleneck import Bottleneck, nearest
from vae_jax.models.bottlenecks.passing import Passing, passing_of
from vae_jax.types import Key, Params
from vae_jax.untrained import Untrained


def sim_vq(
    num_codes: int,
    size: int,
    *,
    gradient: Passing = "straight_through",
    commitment: float | Scalar = 0.25,
    codebook_weight: float | Scalar = 1.0,
) -> Bottleneck:
    """The nearest vectors of C W: C is drawn once and stays, W is learned. No code is left behind, since all share W.

    Training subtracts β ‖e − sg(v)‖² and ‖sg(e) − v‖², as for `vq`.

    Args:
        num_codes: K ≥ 1.
        size: Size of a vector.
        gradient: The way of the decoder's gradient to the encoder: "straight_through" or "rotation".
        commitment: β ≥ 0, per squared unit.
        codebook_weight: Weight of the term that moves W, per squared unit.

    Raises:
        ValueError: If a size is below 1, or `gradient` is not one of the names.

    Source: Zhu, Li, Zhang, Xu, Xiao & Qin 2024, arXiv:2411.02038, section 4.
    """
    check_sizes(num_codes=num_codes, size=size)
    passed = passing_of(gradient)

    def init(key: Key) -> Params:
        codebook_key, map_key = jax.random.split(key)
        scale = 1 / jnp.sqrt(size)
        return {
            "fixed": Untrained(scale * jax.random.normal(codebook_key, (num_codes, size))),
            "map": scale * jax.random.normal(map_key, (size, size)),
        }

    def codebook(params: Params) -> Float[Array, "code size"]:
        return params["fixed"].value @ params["map"]

    def quantise(params: Params, encoded: Float[Array, "*place size"]) -> Quantised:
        codes = nearest(stop_gradient(codebook(params)), stop_gradient(encoded))
        vectors = codebook(params)[codes]
        penalty = commitment * jnp.square(encoded - stop_gradient(vectors)).sum()
        penalty += codebook_weight * jnp.square(stop_gradient(encoded) - vectors).sum()
        return Quantised(passed(encoded, vectors), codes, encoded, num_codes, penalty=penalty)

    def look_up(params: Params, codes: Int[Array, "*place"]) -> Float[Array, "*place size"]:
        return codebook(params)[codes]

    def find(params: Params, vectors: Float[Array, "*place size"]) -> Int[Array, "*place"]:
        return nearest(codebook(params), vectors)

    return Bottleneck(size, num_codes, init, quantise, look_up, find)
