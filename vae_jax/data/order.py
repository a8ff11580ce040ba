"""A random order of 0, ..., n - 1 that is computed place by place, and takes no memory.

The same few integer operations run on numpy arrays, in a process that reads data and never imports JAX, and on traced
arrays inside a compiled step: both give the same order.

Source: Black & Rogaway 2002, "Ciphers with Arbitrary Finite Domains", the generalised Feistel cipher with cycle
walking. The round function is the finaliser of Appleby's MurmurHash3. It is for shuffling, not for secrecy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# With these, a million orders of 2 to 7 numbers pass for uniform over all the permutations; with 16 they do not.
_NUM_ROUNDS = 24
# 2^32 over the golden ratio: its multiples are far from each other.
_STEP = np.uint32(0x9E3779B9)


def shuffled(key_words: Any, epoch: Any, positions: Any, num: int) -> Any:
    """The numbers at some positions of a random order of 0, ..., num - 1.

    For one key and epoch this is a permutation; other keys and epochs give unrelated ones.

    Args:
        key_words: (2,) uint32, `jax.random.key_data` of a key.
        epoch: Index of the order among those of the key, an integer of at least 0.
        positions: Integers in [0, num), of any shape.
        num: How many numbers are shuffled, from 1 to 2^31 - 1.

    Returns:
        int32, of the shape of the positions: a numpy array if all arguments are numpy's or Python's, else JAX's.

    Raises:
        ValueError: If `num` is out of range.

    Example:
        >>> [shuffled(np.array([0, 42], np.uint32), epoch, np.arange(8), num=8).tolist() for epoch in (0, 1)]
        [[5, 7, 2, 3, 1, 6, 4, 0], [2, 5, 7, 1, 4, 6, 0, 3]]
    """
    if not 1 <= num < 2**31:
        raise ValueError(f"expected 1 to 2^31 - 1 examples to shuffle; got {num}")
    words = _round_words(key_words, epoch)
    # Places are shuffled as one row: numpy warns when a number wraps around, but not when an array does.
    places = positions.reshape(-1).astype(np.uint32)
    on_host = isinstance(words, np.ndarray) and isinstance(places, np.ndarray)
    walk = _walk_on_host if on_host else _walk_traced
    return walk(words, places, num).astype(np.int32).reshape(positions.shape)


def _walk_on_host(words: np.ndarray, places: np.ndarray, num: int) -> np.ndarray:
    # The cipher permutes a few numbers too many. A place that lands on one of these is enciphered again; it walks along
    # a cycle that it entered from below `num`, so it comes back there, and no two arrive at the same place.
    rows = _cipher(words, places, num)
    while (beyond := rows >= num).any():
        rows[beyond] = _cipher(words, rows[beyond], num)
    return rows


def _walk_traced(words: Any, places: Any, num: int) -> Any:
    import jax
    import jax.numpy as jnp

    return jax.lax.while_loop(
        lambda rows: (rows >= num).any(),
        lambda rows: jnp.where(rows >= num, _cipher(words, rows, num), rows),
        jnp.asarray(_cipher(words, places, num)),
    )


def _cipher(words: Any, values: Any, num: int) -> Any:
    # A permutation of 0, ..., a b - 1, where a b is at least num and less than num + a. A number is a pair from
    # Z_a x Z_b, and each half is shifted in turn by an amount that depends on the other, which can be undone.
    # a is even: if both were odd, every shift would be an even permutation, and so would the order.
    a = math.isqrt(num - 1) + 1
    a += a % 2
    b = -(-num // a)
    a, b = np.uint32(a), np.uint32(b)
    left, right = values % a, values // a
    for index in range(0, _NUM_ROUNDS, 2):
        left = (left + mix(right + words[index]) % a) % a
        right = (right + mix(left + words[index + 1]) % b) % b
    return left + a * right


def _round_words(key_words: Any, epoch: Any) -> Any:
    epoch = np.uint32(epoch) if isinstance(epoch, int) else epoch.astype(np.uint32)
    words = _STEP * np.arange(_NUM_ROUNDS, dtype=np.uint32)
    for part in (epoch, key_words[0], key_words[1]):
        words = mix(words + part)
    return words


def mix(values: Any) -> Any:
    """The finaliser of Appleby's MurmurHash3: one to one, every bit of a value changes about half of the result's bits.

    Args:
        values: uint32, an array of numpy or of JAX.
    """
    values = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    values = (values ^ (values >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))
