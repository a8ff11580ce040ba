"""A function of one example, applied to any number of examples in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Int

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

    def of_batch(params: Params, examples: Any, indices: Int[Array, " batch"]) -> Any:
        def of_one(example: Any, index: Array) -> Any:
            return function(*example_keys(seed, index), params, example)

        return jax.vmap(of_one)(examples, indices)

    axis = int(in_lanes)
    compiled = jax.jit(jax.vmap(of_batch, in_axes=(0, None, None)) if in_lanes else of_batch)

    def of_all(params: Params, examples: Examples) -> Any:
        size = min(batch_size, len(examples))
        results = []
        for start in range(0, len(examples), size):
            # The last batch starts earlier rather than being shorter: one shape, one compilation.
            first = min(start, len(examples) - size)
            rows = slice(first, first + size)
            result = compiled(params, examples[rows], np.arange(first, first + size))
            own = (slice(None),) * axis + (slice(start - first, None),)
            results.append(jax.tree.map(lambda array, own=own: np.asarray(array)[own], result))
        return jax.tree.map(lambda *parts: np.concatenate(parts, axis), *results)

    return of_all


def example_keys(seed: int, index: int | Array) -> tuple[Key, Key]:
    """The keys of an example in an evaluation: one for its transform, one for the rest."""
    transform_key, key = jax.random.split(jax.random.fold_in(key_of(seed), index))
    return transform_key, key
