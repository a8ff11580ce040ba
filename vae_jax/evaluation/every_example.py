"""A function of one example, applied to any number of examples in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from vae_jax.data.examples import Examples
from vae_jax.keys import key_of
from vae_jax.types import Key, Params


def over_examples(
    function: Callable[[Key, Params, Any], Any],
    transform: Callable[[Key, Any], Any],
    *,
    seed: int = 0,
    batch_size: int = 500,
) -> Callable[[Params, Examples], Any]:
    """Lift a function of one example to all examples of a split.

    The randomness of an example comes from (seed, its index), so nothing depends on the batch size, and everything
    that is evaluated with the same seed sees the same draw of a dynamic binarisation.

    Args:
        function: `(key, params, x) -> pytree of arrays`.
        transform: `(key, stored example) -> x`.
        seed: Seed of the evaluation's own randomness, apart from training's.
        batch_size: Largest number of examples that are computed at once.

    Returns:
        A function `(params, stored examples) -> pytree of numpy arrays` with a leading axis of examples. It compiles
        once and may be called again.
    """
    return over_stored(
        lambda transform_key, key, params, stored: function(key, params, transform(transform_key, stored)),
        seed=seed,
        batch_size=batch_size,
    )


def over_stored(
    function: Callable[[Key, Key, Params, Any], Any],
    *,
    seed: int = 0,
    batch_size: int = 500,
    in_lanes: bool = False,
) -> Callable[[Params, Examples], Any]:
    """Lift a function to all examples as `over_examples` does; the function transforms the stored example itself.

    Args:
        function: `(key of the transform, key, params, stored example) -> pytree of arrays`.
        seed: Seed of the evaluation's own randomness.
        batch_size: Largest number of examples that are computed at once.
        in_lanes: Whether parameters have a leading axis of lanes, which the results then have before that of examples.
    """
    of_rows = over_rows(
        lambda params, example, index: function(*example_keys(seed, index), params, example),
        batch_size=batch_size,
        in_lanes=in_lanes,
    )
    return lambda params, examples: of_rows(params, examples, np.arange(len(examples)))


def over_rows(function: Callable[..., Any], *, batch_size: int = 500, in_lanes: bool = False) -> Callable[..., Any]:
    """Lift a function of one row of each of several arrays to all rows, in bounded memory.

    Args:
        function: `(params, *rows) -> pytree of arrays`.
        batch_size: Largest number of rows that are computed at once.
        in_lanes: As for `over_stored`.

    Returns:
        A function `(params, *arrays) -> pytree of numpy arrays` with a leading axis of rows. The arrays, or examples
        that are indexed like one, have the same length. It compiles once and may be called again.
    """

    def of_batch(params: Params, *rows: Any) -> Any:
        return jax.vmap(lambda *row: function(params, *row))(*rows)

    axis = int(in_lanes)

    def of_lanes(params: Params, *rows: Any) -> Any:
        return jax.vmap(lambda params: of_batch(params, *rows))(params)

    compiled = jax.jit(of_lanes if in_lanes else of_batch)

    def of_all(params: Params, *arrays: Any) -> Any:
        num = len(arrays[0])
        size = min(batch_size, num)
        results = []
        for start in range(0, num, size):
            # The last batch starts earlier rather than being shorter: one shape, one compilation.
            first = min(start, num - size)
            result = compiled(params, *(array[first : first + size] for array in arrays))
            own = (slice(None),) * axis + (slice(start - first, None),)
            results.append(jax.tree.map(lambda array, own=own: np.asarray(array)[own], result))
        return jax.tree.map(lambda *parts: np.concatenate(parts, axis), *results)

    return of_all


def example_keys(seed: int, index: int | Array) -> tuple[Key, Key]:
    """The keys of an example in an evaluation: one for its transform, one for the rest."""
    transform_key, key = jax.random.split(jax.random.fold_in(key_of(seed), index))
    return transform_key, key
