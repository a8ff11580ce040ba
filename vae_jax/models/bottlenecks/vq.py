"""Vector quantisation: codes are the nearest vectors of a learned codebook, once or on what is left over."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, Float, Int, Scalar

from vae_jax.distributions import Quantised
from vae_jax.messages import check_sizes
from vae_jax.models.bottlenecks.bottleneck import Bottleneck, nearest
from vae_jax.models.bottlenecks.codebook import Codebook, followed, fresh
from vae_jax.models.bottlenecks.passing import Passing, passing_of
from vae_jax.types import Key, Params
from vae_jax.untrained import Untrained


def vq(num_codes: int, size: int, **options: Any) -> Bottleneck:
    """The nearest vectors of one learned codebook: `residual_vq` of one quantiser.

    Args:
        num_codes: K ≥ 1.
        size: Size of a vector.
        **options: Options of `residual_vq`.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937.
    """
    return residual_vq(1, num_codes, size, **options)


def residual_vq(
    num_quantisers: int,
    num_codes: int,
    size: int,
    *,
    gradient: Passing = "straight_through",
    codebook: Literal["gradient", "ema"] = "ema",
    commitment: float | Scalar = 0.25,
    codebook_weight: float | Scalar = 1.0,
    decay: float | Scalar = 0.99,
    starts_from_means: bool = True,
    revive_below: float | Scalar = 0.1,
) -> Bottleneck:
    """Several learned codebooks, each of what the ones before it left over; the decoder reads the sum of their vectors.

    Training subtracts β ‖e − sg(v)‖², which holds what is quantised, e, to its vector v, and for codebooks that
    gradients train ‖sg(e) − v‖², which brings the vector to what chose it; sums over all numbers of an example.

    The vectors of one place are (num_quantisers, size), so that each code can be found again, and (size,) for one
    quantiser. A gradient reaches the encoder once, through the sum.

    Args:
        num_quantisers: Number of codebooks, ≥ 1.
        num_codes: K ≥ 1, the codes of each.
        size: Size of a vector.
        gradient: The way of the decoder's gradient to the encoder: "straight_through" or "rotation".
        codebook: "gradient", trained by its own term; "ema", each vector the moving average of what chose it.
        commitment: β ≥ 0, per squared unit.
        codebook_weight: Weight of the codebook's own term, per squared unit; of no effect on moving averages.
        decay: Decay of the moving averages and counts, in [0, 1).
        starts_from_means: Whether the vectors start, at the end of the first step, from the means of clusters of what
            the encoder made of its batch; a codebook one step after the one before it.
        revive_below: A code chosen less often than this share of the mean takes a vector of the batch; 0 for never.

    Raises:
        ValueError: If a size is below 1, or `gradient` or `codebook` is not one of the names.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937, equation 3 and appendix A.1; the residual:
        Zeghidour et al. 2021, arXiv:2107.03312, algorithm 1. Differs from the papers: sums, not means, so that they
        weigh against a log-likelihood in nats.
    """
    check_sizes(num_quantisers=num_quantisers, num_codes=num_codes, size=size)
    if codebook not in ("gradient", "ema"):
        raise ValueError(f"expected codebook as 'gradient' or 'ema'; got {codebook!r}")
    passed, is_trained, is_one = passing_of(gradient), codebook == "gradient", num_quantisers == 1

    def init(key: Key) -> Params:
        keys = jax.random.split(key, num_quantisers)
        waits = -jnp.arange(num_quantisers)
        return _parted(jax.vmap(lambda key, wait: fresh(key, num_codes, size, wait))(keys, waits), is_trained)

    def quantise(params: Params, encoded: Float[Array, "*place size"]) -> Quantised:
        rest, inputs, codes, vectors = encoded, [], [], []
        for book in _joined(params).vectors:
            code = nearest(stop_gradient(book), stop_gradient(rest))
            inputs.append(rest)
            codes.append(code)
            vectors.append(book[code])
            rest = rest - stop_gradient(vectors[-1])
        squares = lambda a, b: sum(jnp.square(x - y).sum() for x, y in zip(a, b, strict=True))
        fixed = stop_gradient(vectors)
        penalty = commitment * squares(inputs, fixed) + codebook_weight * squares(stop_gradient(inputs), vectors)
        total = jnp.stack(fixed).sum(axis=0)
        through = passed(encoded, total)
        # The first vector carries the gradient of the sum, and each keeps its own value.
        first = fixed[0] + (through - stop_gradient(through))
        places = encoded.ndim - 1
        several = lambda arrays: arrays[0] if is_one else jnp.stack(arrays, axis=places)
        values = several([first, *fixed[1:]])
        return Quantised(values, several(codes), several(inputs), num_codes, num_quantisers, penalty)

    def look_up(params: Params, codes: Int[Array, "*place"]) -> Float[Array, "*place size"]:
        books = _joined(params).vectors
        if is_one:
            return books[0][codes]
        return jnp.stack([book[codes[..., place]] for place, book in enumerate(books)], axis=-2)

    def find(params: Params, vectors: Float[Array, "*place size"]) -> Int[Array, "*place"]:
        books = _joined(params).vectors
        if is_one:
            return nearest(books[0], vectors)
        return jnp.stack([nearest(book, vectors[..., place, :]) for place, book in enumerate(books)], axis=-1)

    def after(params: Params, seen: Any) -> Params:
        one = partial(
            followed,
            decay=decay,
            moves=not is_trained,
            starts_from_means=starts_from_means,
            revive_below=revive_below,
        )
        codes = seen["codes"].reshape(-1, num_quantisers)
        inputs = seen["inputs"].reshape(-1, num_quantisers, size)
        return _parted(jax.vmap(one, in_axes=(0, 1, 1))(_joined(params), codes, inputs), is_trained)

    read = (lambda vectors: vectors) if is_one else (lambda vectors: vectors.sum(axis=-2))
    return Bottleneck(size, num_codes, init, quantise, look_up, find, read, after, num_quantisers)


def _parted(books: Codebook, is_trained: bool) -> Params:
    """Parameters of stacked codebooks: their vectors are trained by a gradient, or nothing of them is."""
    if not is_trained:
        return Untrained(books)
    return {"vectors": books.vectors, "counts": Untrained((books.count, books.step))}


def _joined(params: Params) -> Codebook:
    if isinstance(params, Untrained):
        return params.value
    return Codebook(params["vectors"], *params["counts"].value)
