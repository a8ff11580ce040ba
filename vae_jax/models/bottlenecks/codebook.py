"""The life of a codebook: where its vectors start, how moving averages lead them, and how unused ones come back."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.keys import key_of
from vae_jax.models.bottlenecks.bottleneck import nearest
from vae_jax.types import Key


class Codebook(NamedTuple):
    """The vectors of the codes, and how often each was chosen of late."""

    vectors: Float[Array, "code size"]
    count: Float[Array, " code"]
    """Moving average of how often a batch chose the code, in units of the mean over the codes."""
    step: Int[Array, ""]
    """Steps done, counted from the one that the vectors start at."""


def fresh(key: Key, num_codes: int, size: int, step: int | Int[Array, ""] = 0) -> Codebook:
    """Vectors of independent normal numbers, of length 1 in the mean square, as if all had been chosen equally often.

    Args:
        key: A random key.
        num_codes: Number of codes.
        size: Size of a vector.
        step: 0, or below it the number of steps to wait before the vectors start.
    """
    vectors = jax.random.normal(key, (num_codes, size)) / jnp.sqrt(size)
    return Codebook(vectors, jnp.ones(num_codes), jnp.asarray(step, jnp.int32))


def followed(
    book: Codebook,
    codes: Int[Array, " num"],
    inputs: Float[Array, "num size"],
    *,
    decay: float | Scalar,
    moves: bool,
    starts_from_means: bool,
    revive_below: float | Scalar,
) -> Codebook:
    """The codebook after a step that saw a whole batch.

    Args:
        book: The codebook that the codes were chosen from, after the optimizer's step if it takes one.
        codes: The codes of all places of all examples.
        inputs: The vectors of the encoder that chose them.
        decay: Decay of the moving averages, in [0, 1).
        moves: Whether each vector moves to the moving average of what chose it.
        starts_from_means: Whether the first step sets the vectors to the means of clusters of the inputs.
        revive_below: A code whose count is below this share of the mean is dead, and takes an input at random for its
            vector; 0 for never.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, appendix A.1, equations 6 to 8; the revival:
        Dhariwal et al. 2020, arXiv:2005.00341, section 3.1.
    """
    inputs = inputs.astype(book.vectors.dtype)
    num_codes, key = len(book.vectors), jax.random.fold_in(key_of(0), book.step)
    num, total = (num_codes / len(inputs) * of_codes for of_codes in _sums(codes, inputs, num_codes))
    count = decay * book.count + (1 - decay) * num
    vectors = book.vectors
    if moves:
        # The quotient of two moving averages, written as a step: an unused vector stays where it is.
        vectors += (1 - decay) * (total - num[:, None] * vectors) / jnp.maximum(count, 1e-20)[:, None]
    if starts_from_means:
        starts = book.step == 0
        vectors = cluster_means(jnp.where(starts, chosen(key, inputs, num_codes), vectors), inputs, 10 * starts)
        count = jnp.where(starts, 1.0, count)
    is_dead = (count < revive_below) & (book.step >= 0)
    vectors = jnp.where(is_dead[:, None], chosen(key, inputs, num_codes), vectors)
    return Codebook(vectors, jnp.where(is_dead, 1.0, count), book.step + 1)


def cluster_means(
    means: Float[Array, "code size"], inputs: Float[Array, "num size"], num_rounds: int | Int[Array, ""]
) -> Float[Array, "code size"]:
    """Means of clusters of the inputs, by rounds of Lloyd's algorithm from given ones; that of an empty one stays.

    Source: Lloyd 1982, IEEE Transactions on Information Theory 28(2); for codebooks Łańcucki et al. 2020,
        arXiv:2005.08520, section III.
    """

    def better(_: Any, means: Array) -> Array:
        num, total = _sums(nearest(means, inputs), inputs, len(means))
        return jnp.where(num[:, None] > 0, total / jnp.maximum(num, 1)[:, None], means)

    # A loop whose length is data: under vmap it takes no round where no lane does.
    return jax.lax.fori_loop(0, num_rounds, better, means)


def chosen(key: Key, inputs: Float[Array, "num size"], num_codes: int) -> Float[Array, "code size"]:
    """Inputs at random, distinct ones where there are enough of them."""
    num = len(inputs)
    return inputs[jax.random.permutation(key, num)[jnp.arange(num_codes) % num]]


def _sums(
    codes: Int[Array, " num"], inputs: Float[Array, "num size"], num_codes: int
) -> tuple[Float[Array, " code"], Float[Array, "code size"]]:
    """For each code the number of its inputs, and their sum."""
    zeros: Any = jnp.zeros((num_codes, inputs.shape[1]), inputs.dtype)
    return jnp.zeros(num_codes, inputs.dtype).at[codes].add(1.0), zeros.at[codes].add(inputs)
